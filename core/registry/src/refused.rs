//! Why a command is refused, and what to try instead.

use std::net::IpAddr;

use ipnet::IpNet;
use weft_model::{Name, NetworkId, NodeId, SubnetError, Vni};

/// Why a command was refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The network was removed; its id is never used again.
    #[error("network {0} was removed: it cannot be made again")]
    NetworkGone(NetworkId),
    /// Another network has the name.
    #[error("the name {name} is taken: network {network} has it")]
    NameTaken {
        /// The name.
        name: Name,
        /// Who has it.
        network: NetworkId,
    },
    /// The network has another name for good.
    #[error("network {name} has its name already and keeps it")]
    Named {
        /// The name it has.
        name: Name,
    },
    /// Another node has the name.
    #[error("the node name {name} is taken: node {node} has it")]
    NodeNameTaken {
        /// The name.
        name: Name,
        /// Who has it.
        node: NodeId,
    },
    /// Another network has some of the addresses.
    #[error("subnet {subnet} overlaps {other} of network {network}")]
    SubnetOverlaps {
        /// What was asked for.
        subnet: IpNet,
        /// What it overlaps.
        other: IpNet,
        /// The other network's name, or its id if it has none.
        network: String,
    },
    /// The range is no possible subnet.
    #[error("{0}")]
    Subnet(SubnetError),
    /// The cluster's pools are used up, or the host's routes cover them.
    #[error("no subnet is left in the cluster's address pools")]
    NoSubnetLeft,
    /// Another network has the VNI.
    #[error("VNI {vni} is taken: network {network} has it")]
    VniTaken {
        /// The VNI.
        vni: Vni,
        /// The other network's name, or its id if it has none.
        network: String,
    },
    /// The VNI was that of a network of which some node may still have something.
    #[error(
        "VNI {vni} rests: {} may still have something of network {network}, which had it",
        list(by)
    )]
    VniResting {
        /// The VNI.
        vni: Vni,
        /// The removed network's name, or its id if it had none.
        network: String,
        /// The names of the nodes that have not said that nothing is left.
        by: Vec<String>,
    },
    /// Another node has the host address.
    #[error("address {address} is node {node}'s")]
    HostAddressTaken {
        /// The address.
        address: IpAddr,
        /// Whose it is.
        node: Name,
    },
    /// A node keeps its key for as long as it is a member.
    #[error("node {node} has another key")]
    OtherKey {
        /// Its name.
        node: Name,
    },
    /// Ids of its endpoints could be another node's.
    #[error("node id {node} ends as that of node {like} does")]
    LikeAnother {
        /// Who is to come in.
        node: NodeId,
        /// Who is there.
        like: NodeId,
    },
    /// Every VNI is in use.
    #[error("no VNI is left: every one has its network")]
    NoVniLeft,
    /// There is no network of this id.
    #[error("there is no network {0}")]
    NoSuchNetwork(NetworkId),
    /// Workloads are attached to it.
    #[error("network {network} is in use on {}", list(by))]
    NetworkInUse {
        /// The network's name, or its id if it has none.
        network: String,
        /// The names of the nodes that have endpoints there.
        by: Vec<String>,
    },
    /// Every address of the network is in some node's block.
    #[error("network {network} is full: all addresses of {subnet} are in blocks of nodes")]
    SubnetFull {
        /// The network's name, or its id if it has none.
        network: String,
        /// Its subnet.
        subnet: IpNet,
    },
    /// The address is in another node's block.
    #[error("address {address} is taken: it is in block {block} of node {owner}")]
    AddressTaken {
        /// What was asked for.
        address: IpAddr,
        /// The block that has it.
        block: IpNet,
        /// The name of the block's owner, or its id if it is gone.
        owner: String,
    },
    /// No workload can have the address.
    #[error("address {address} of network {network} is none that a workload may have")]
    NotAssignable {
        /// What was asked for.
        address: IpAddr,
        /// The network's name, or its id if it has none.
        network: String,
    },
    /// There is no node of this id.
    #[error("there is no node {0} in the cluster")]
    NoSuchNode(NodeId),
    /// The node has endpoints.
    #[error("node {node} is in use: it has endpoints on {}", list(networks))]
    NodeInUse {
        /// The node's name.
        node: Name,
        /// The networks' names, or their ids if they have none.
        networks: Vec<String>,
    },
    /// A cluster without managers cannot be changed any more.
    #[error("node {node} is the last manager of the cluster")]
    LastManager {
        /// The node's name.
        node: Name,
    },
    /// The asking node may not do this.
    #[error("node {by} may not {what}")]
    NotAllowed {
        /// Who asked.
        by: NodeId,
        /// What was asked for.
        what: &'static str,
    },
    /// The CA was replaced, and some node does not know yet.
    #[error("the rotation of the CA before this one is not over: it waits for {}", list(waiting))]
    CaRotating {
        /// The names of those nodes.
        waiting: Vec<String>,
    },
    /// Some node has only a certificate of the former CA.
    #[error("the former CA is in use: no certificate of the new one has {}", list(by))]
    CaInUse {
        /// The names of those nodes.
        by: Vec<String>,
    },
    /// The registry is on its way.
    #[error("the registry is being moved into an etcd: it is not changed meanwhile")]
    Moving,
    /// Where it is now it stays.
    #[error("an etcd keeps the registry, and goes on to keep it")]
    KeptByEtcd,
    /// There is no cluster yet.
    #[error("there is no cluster here yet")]
    NotFounded,
    /// There is a cluster here.
    #[error("this node is in cluster {0} already")]
    AlreadyFounded(Name),
}

impl Refused {
    /// What to try next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NetworkGone(_) => "make a new one: `weft network create`".into(),
            Self::NameTaken { .. } | Self::Named { .. } => {
                "choose another name; `weft network ls` lists those in use".into()
            }
            Self::NodeNameTaken { node, .. } => {
                format!("join under another name (`--node-name`), or `weft node rm {}` if that node is gone", node.short())
            }
            Self::SubnetOverlaps { network, .. } => format!(
                "leave out `--subnet` to get a free one, choose another, or `weft network rm {network}`"
            ),
            Self::Subnet(SubnetError::HostBits { meant, .. }) => format!("type `--subnet {meant}`"),
            Self::Subnet(SubnetError::Gateway { range, .. }) => {
                format!("leave the gateway out, or take one of {range} that is neither its first nor its last address")
            }
            Self::Subnet(SubnetError::Reserved { range, .. }) => {
                format!("reserve addresses of {range} only")
            }
            Self::Subnet(_) => "leave out `--subnet` to get a free one".into(),
            Self::NoSubnetLeft => {
                "choose one yourself, such as `--subnet 10.99.0.0/24`, or remove networks that are not used".into()
            }
            Self::VniTaken { .. } => "leave out the VNI to get a free one".into(),
            Self::VniResting { .. } => {
                "leave out the VNI to get a free one, bring those hosts back, or `weft node rm` them".into()
            }
            Self::HostAddressTaken { node, .. } => {
                format!("give this host an address of its own; `weft node rm {node}` if that one is gone")
            }
            Self::OtherKey { .. } => {
                "a node keeps its key: take it out (`weft node rm`) and let it join again".into()
            }
            Self::LikeAnother { .. } => {
                "let the host join again: it makes a new id each time (one in 2^64 is not chance)".into()
            }
            Self::NoVniLeft => "remove networks that are not used".into(),
            Self::NoSuchNetwork(_) => "`weft network ls` lists the networks".into(),
            Self::NetworkInUse { network, .. } => {
                format!("stop the workloads that `weft endpoint ls --network {network}` lists")
            }
            Self::SubnetFull { .. } => {
                "make a network with a larger subnet, or remove nodes that are gone: `weft node ls`".into()
            }
            Self::AddressTaken { owner, .. } => {
                format!("start it on {owner}, or choose another address")
            }
            Self::NotAssignable { .. } => {
                "choose an address of the subnet that is not the gateway or reserved: `weft network inspect`".into()
            }
            Self::NoSuchNode(_) => "`weft node ls` lists the nodes; one that was removed must join again".into(),
            Self::NodeInUse { node, .. } => {
                format!("stop its workloads, or `weft node rm --force {node}` if the host is gone for good")
            }
            Self::LastManager { .. } => "make another manager first (`weft node promote`), or end the cluster there: `weft leave --force`".into(),
            Self::NotAllowed { .. } => "type it on a manager: `weft node ls` lists them".into(),
            of_the_cluster => of_the_cluster.cluster_hint().into(),
        }
    }

    /// Where the cluster itself is in the way.
    const fn cluster_hint(&self) -> &'static str {
        match self {
            Self::CaRotating { .. } => {
                "bring those hosts back, they renew by themselves; `weft node rm` those that are gone"
            }
            Self::CaInUse { .. } => {
                "bring those hosts back, they renew by themselves; or shut them out, so that they must join \
                 again: `weft ca retire --force`"
            }
            Self::Moving => {
                "try again in a moment; if the move was cut short, type it again on a manager: \
                 `weft store move`"
            }
            Self::KeptByEtcd => {
                "to have it on the managers again, `weft backup`, and `weft restore --force` on one of them"
            }
            Self::NotFounded => "`weft init` makes a cluster, `weft join` joins one",
            Self::AlreadyFounded(_) => "`weft leave` takes this node out of it first",
            _of_networks_and_nodes => "look at what there is: `weft status`",
        }
    }
}

impl From<SubnetError> for Refused {
    fn from(error: SubnetError) -> Self {
        Self::Subnet(error)
    }
}

fn list(names: &[String]) -> String {
    names.join(", ")
}
