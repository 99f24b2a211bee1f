//! What a node may ask of the registry.

mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use weft_model::{Mtu, Name, NetworkId, Node, NodeId, Role, Vni};

use crate::{Cluster, Keeping, TokenHash, View};

/// A network as it is asked for; whatever is left open is chosen by [`crate::decide`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRequest {
    /// Chosen by the asker, so that a repeated request is the same network.
    pub id: NetworkId,
    /// Absent when Docker asks, which tells the name later: [`Command::NameNetwork`].
    pub name: Option<Name>,
    /// Absent: the next free one of the cluster's pools.
    pub subnet: Option<IpNet>,
    /// Absent: the subnet's first host address.
    pub gateway: Option<IpAddr>,
    /// Addresses that no workload gets.
    pub reserved: BTreeSet<IpAddr>,
    /// Absent: a random one.
    pub vni: Option<Vni>,
    /// Absent: what the underlay leaves.
    pub mtu: Option<Mtu>,
    /// Without a way out of the cluster.
    pub internal: bool,
    /// Driver options, kept as they are.
    pub options: BTreeMap<String, String>,
    /// Docker's labels, kept as they are.
    pub labels: BTreeMap<String, String>,
    /// Routes of the asking host, which a chosen subnet must not overlap.
    pub avoid: Vec<IpNet>,
}

impl NetworkRequest {
    /// Asks for a network with everything left open.
    #[must_use]
    pub const fn new(id: NetworkId) -> Self {
        Self {
            id,
            name: None,
            subnet: None,
            gateway: None,
            reserved: BTreeSet::new(),
            vni: None,
            mtu: None,
            internal: false,
            options: BTreeMap::new(),
            labels: BTreeMap::new(),
            avoid: Vec::new(),
        }
    }
}

/// Which block is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Want {
    /// Any.
    Next,
    /// The one around this address.
    Holding(IpAddr),
}

/// One change of what should exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Makes the cluster, with its first manager.
    Found {
        /// What all nodes will agree on.
        cluster: Cluster,
        /// The first manager.
        node: Node,
        /// The join tokens.
        tokens: Vec<TokenHash>,
    },
    /// Makes a network; repeated with the same id, it tells of the same network.
    CreateNetwork(NetworkRequest),
    /// Gives a network its name, once.
    NameNetwork {
        /// The network.
        id: NetworkId,
        /// Unique in the cluster.
        name: Name,
        /// Its labels from now on.
        labels: BTreeMap<String, String>,
    },
    /// Ends a network that nobody uses.
    RemoveNetwork {
        /// The network.
        id: NetworkId,
    },
    /// Nothing of a removed network is left on the asker. Repeated, it changes nothing.
    TornDown {
        /// The network.
        network: NetworkId,
    },
    /// Asks for addresses to lease.
    ClaimBlock {
        /// Of this network.
        network: NetworkId,
        /// Which ones.
        want: Want,
        /// For [`Want::Next`]: the newest of the asker's own blocks there that it knows of, as
        /// [`View::newest_block`] tells it. One that is newer is answered with, instead of another:
        /// the answer to an earlier claim was lost, or is on its way. Absent: always another.
        #[serde(default)]
        known: Option<u64>,
    },
    /// Gives addresses back; repeated, it changes nothing.
    ReleaseBlock {
        /// Of this network.
        network: NetworkId,
        /// A whole block.
        range: IpNet,
    },
    /// Gives an address of the asker's own to another node; repeated, it changes nothing.
    ///
    /// The rest of its block stays with the asker, in smaller blocks. Whoever cedes an address
    /// leases it to nobody any more, from before this command on.
    CedeAddress {
        /// Of this network.
        network: NetworkId,
        /// The address.
        address: IpAddr,
        /// Who may lease it from then on.
        to: NodeId,
    },
    /// Adds a node, or says what has changed about it.
    PutNode(Node),
    /// Makes a node a manager, or ceases to; repeated, it changes nothing.
    SetRole {
        /// The node.
        id: NodeId,
        /// What it is from then on.
        role: Role,
    },
    /// Takes a node out, and gives its name and blocks free.
    RemoveNode {
        /// The node.
        id: NodeId,
        /// Even though it still has endpoints.
        force: bool,
    },
    /// Replaces the join token of a role.
    SetToken(TokenHash),
    /// Makes another CA the cluster's; certificates of the one before stay good until
    /// [`Command::RetireCa`]. Repeated, it changes nothing.
    RotateCa {
        /// Its certificate.
        ca_pem: String,
        /// The join tokens from then on: they name the CA.
        tokens: Vec<TokenHash>,
    },
    /// The asker has a certificate of this generation's CA, and has it on its disk.
    Certified {
        /// As in [`Cluster::ca_generation`].
        generation: u64,
    },
    /// Ends the trust in the CA before the present one. Repeated, it changes nothing.
    RetireCa {
        /// Even though some node has no certificate of the present one: it must join again.
        force: bool,
    },
    /// Says that the registry is on its way elsewhere, or that it stays after all. On its way, nothing
    /// but this is taken any more. Repeated, it changes nothing.
    Keep(Keeping),
}

impl Command {
    /// Whether a view shows what this command asks for, where that can be seen and where a second
    /// attempt is refused since the first one did it.
    #[must_use]
    pub fn is_seen_in(&self, view: &View) -> bool {
        match self {
            Self::RemoveNetwork { id } => view.network(*id).is_none(),
            Self::RemoveNode { id, .. } => view.node(*id).is_none(),
            Self::NameNetwork { id, name, .. } => {
                view.network(*id).is_some_and(|network| network.name.as_ref() == Some(name))
            }
            _repeated_without_harm => false,
        }
    }
}
