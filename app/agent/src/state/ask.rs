//! What others want of the state's owner.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Instant;

use ipnet::IpNet;
use tokio::sync::oneshot;
use weft_docker::{DockerEndpointId, DockerNetworkId, Names};
use weft_life::Life;
use weft_model::{EndpointId, Mtu, NetworkId};

use crate::local::Attachment;
use crate::problem::Answer;

/// One request. Each answer comes after the change is durable, where nothing else is said.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Lease an address of a network.
    Lease {
        /// The network.
        network: NetworkId,
        /// A certain one.
        want: Option<IpAddr>,
        /// The address.
        reply: oneshot::Sender<Result<IpAddr, LeaseRefused>>,
    },
    /// Let an address rest.
    Release {
        /// The network.
        network: NetworkId,
        /// The address; unknown ones are no failure.
        address: IpAddr,
        /// When it is durable.
        reply: oneshot::Sender<Answer<()>>,
    },
    /// Attach a workload, or change what is known of it.
    Attach {
        /// All of it.
        attachment: Attachment,
        /// The generation of the kernel's target that has it.
        reply: oneshot::Sender<Answer<u64>>,
    },
    /// Detach a workload; its address is not released.
    Detach {
        /// Which; unknown ones are no failure.
        id: EndpointId,
        /// What was attached, and the generation of the kernel's target that lacks it.
        reply: oneshot::Sender<Answer<Option<(Attachment, u64)>>>,
    },
    /// Give an endpoint of Docker's other names.
    Rename {
        /// Docker's id; unknown ones are no failure.
        endpoint: DockerEndpointId,
        /// All of them.
        names: Names,
        /// When they are durable.
        reply: oneshot::Sender<Answer<()>>,
    },
    /// Endpoints of Docker's run or have ended, as their processes tell.
    Live {
        /// Docker's ids; unknown ones are no failure.
        endpoints: BTreeSet<DockerEndpointId>,
        /// Which of the two.
        life: Life,
        /// When everybody here can see it, and the others have been told.
        reply: oneshot::Sender<()>,
    },
    /// Remember what Docker calls a network, or forget it.
    DockerNetwork {
        /// Docker's id.
        id: DockerNetworkId,
        /// The cluster's; `None`: forget it.
        network: Option<NetworkId>,
        /// When it is durable.
        reply: oneshot::Sender<Answer<()>>,
    },
    /// Give networks without an MTU of their own another one.
    Fit {
        /// What the underlay leaves inside VXLAN.
        inner_mtu: Mtu,
        /// The generation of the kernel's target that has it.
        reply: oneshot::Sender<u64>,
    },
    /// When each attachment was made.
    Ages {
        /// By id.
        reply: oneshot::Sender<BTreeMap<EndpointId, Instant>>,
    },
    /// Take a block out of use, to give it back.
    Retire {
        /// The network.
        network: NetworkId,
        /// The block.
        range: IpNet,
        /// `false`: it is in use, and stays so.
        reply: oneshot::Sender<bool>,
    },
    /// The block was given back, or it is not known whether it was.
    Retired {
        /// The network.
        network: NetworkId,
        /// The block.
        range: IpNet,
        /// Whether the view is newer than that.
        known: bool,
    },
    /// Lease an address to nobody any more, to give it to another node.
    SetAside {
        /// The network.
        network: NetworkId,
        /// The address.
        address: IpAddr,
        /// The block that it is in.
        reply: oneshot::Sender<Answer<IpNet>>,
    },
    /// The address was given to another node, or the attempt failed.
    Ceded {
        /// The network.
        network: NetworkId,
        /// The address.
        address: IpAddr,
        /// The block that it was in.
        range: IpNet,
        /// When the blocks are as the registry has them.
        reply: oneshot::Sender<Answer<()>>,
    },
    /// Plain workloads' namespaces that are gone.
    Gone {
        /// Their files.
        netns: Vec<PathBuf>,
    },
}

/// Why there is no address yet.
#[derive(Clone, Debug)]
pub(crate) enum LeaseRefused {
    /// This node's blocks have none: the registry must be asked for another one.
    NeedsNext {
        /// The newest block that this node knows of, as in [`weft_registry::View::newest_block`].
        known: u64,
        /// When an address of theirs is free again, if some only rest.
        rest: Option<Instant>,
    },
    /// The registry must be asked for a block with this address.
    NeedsHolding(IpAddr),
    /// There will be none.
    Refused(weft_api::ApiProblem),
}
