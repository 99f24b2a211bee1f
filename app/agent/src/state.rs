//! This node's state and its one owner: a task that takes one event at a time.
//!
//! Everybody else sends it an [`Ask`] or reads the [`Picture`] that it publishes.

mod ask;
mod attach;
mod block;
mod claims;
mod desired;
mod docker;
mod event;
mod handle;
mod lease;
mod live;
mod orphan;
mod picture;
mod publish;
mod since;
mod start;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use ipnet::IpNet;
use tokio::sync::watch;
use weft_addresses::Lessor;
use weft_docker::DockerNetworkId;
use weft_membership::Membership;
use weft_model::{EndpointId, MacAddr, Mtu, Network, NetworkId, Node, NodeId};
use weft_plan::Engine;
use weft_registry::Claims;
use weft_transport::MeshHandle;
use weft_whereabouts::{Members, Whereabouts};

use crate::lately::Lately;
use crate::local::{Attachment, Held, Local};
use crate::metrics::Counters;
use crate::registry::Followed;

pub(crate) use ask::{Ask, LeaseRefused};
pub(crate) use claims::HINT as FALSE_CLAIM_HINT;
pub(crate) use event::Heard;
pub(crate) use handle::StateHandle;
pub(crate) use picture::Picture;
pub(crate) use publish::{Outputs, Seen};
pub(crate) use start::Start;

/// Everything that this node knows, with one writer.
#[derive(Debug)]
pub(crate) struct State {
    me: Node,
    local: Local,
    mesh: MeshHandle,
    registry: watch::Receiver<Followed>,
    followed: Followed,
    whereabouts: Whereabouts,
    membership: Membership,
    /// The registry's nodes, as the two were told.
    members: Members,
    lessors: BTreeMap<NetworkId, Lessor>,
    /// What was leased before the start, until its network is known; `true`: released.
    remembered_leases: BTreeMap<Held, bool>,
    /// The MACs that addresses had here last.
    last_macs: Arc<BTreeMap<Held, MacAddr>>,
    /// Blocks that are on their way back to the registry: nothing is leased from them any more.
    retiring: BTreeSet<(NetworkId, IpNet)>,
    /// Blocks that may be the registry's again although the view still has them, by generation.
    given_back: BTreeMap<(NetworkId, IpNet), u64>,
    attachments: BTreeMap<EndpointId, Attachment>,
    /// Attachments of which it is not written down yet that they have ended, or run after all.
    unkept_lives: BTreeSet<EndpointId>,
    docker_networks: BTreeMap<DockerNetworkId, NetworkId>,
    /// Whether a manager said lately that this node is no member of the cluster.
    disowned: bool,
    /// Whether another node said lately that another host is this node.
    doubled: bool,
    /// What the underlay leaves inside VXLAN.
    inner_mtu: Mtu,
    /// Who carries frames.
    engine: Engine,
    /// The egress bridge's address and range.
    egress: IpNet,
    /// Where this agent serves metrics.
    metrics: Option<std::net::SocketAddr>,
    /// When each attachment was made, or when the agent started if that was later.
    since: BTreeMap<EndpointId, Instant>,
    /// When each row was first known here as it is now.
    known_since: Arc<BTreeMap<EndpointId, SystemTime>>,
    /// After a start no question is answered until the others have said what they have, or this
    /// moment has come: a name that is not known yet must not be denied.
    silent_until: Option<Instant>,
    claims: Claims,
    /// Whose messages were told of as rejected, and what can be done about it.
    rejected: Lately<(NodeId, &'static str)>,
    orphans: orphan::Orphans,
    counters: Counters,
    out: Outputs,
}

impl State {
    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn network(&self, id: NetworkId) -> Option<&Network> {
        self.followed.view.network(id)
    }
}
