//! What a node takes for true.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use weft_model::{Endpoint, EndpointId, Network, NetworkId, Node, NodeId};

use crate::Change;

/// An endpoint, where it is, and whether its names are answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The network that it is on.
    pub network: NetworkId,
    /// The node that it is on.
    pub owner: NodeId,
    /// The endpoint itself.
    pub endpoint: Endpoint,
    /// Whether its host was up.
    pub visible: bool,
}

/// Everything that a node believes at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belief {
    /// The members of the cluster.
    pub nodes: BTreeMap<NodeId, Node>,
    /// Those of them that it does not reach.
    pub down: BTreeSet<NodeId>,
    /// The networks.
    pub networks: BTreeMap<NetworkId, Network>,
    /// Who is where.
    pub endpoints: BTreeMap<EndpointId, Row>,
    /// The blocks that it leases addresses from.
    pub blocks: BTreeSet<(NetworkId, IpNet)>,
    /// The addresses that it has leased.
    pub leases: BTreeSet<(NetworkId, IpAddr)>,
    /// What its host's Docker calls the networks.
    pub mirrored: BTreeMap<String, NetworkId>,
    /// Whether a manager answers it.
    pub managed: bool,
    /// Whether a manager said that it is no member.
    pub disowned: bool,
}

impl Belief {
    /// Takes a change in. What a change says is so afterwards, whatever was before.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::NodeJoined { node } | Change::NodeChanged { node } => {
                self.nodes.insert(node.id, node.clone());
            }
            Change::NodeLeft { id } => drop(self.nodes.remove(id)),
            Change::NodeDown { id } => drop(self.down.insert(*id)),
            Change::NodeUp { id } => drop(self.down.remove(id)),
            Change::NetworkMade { network } | Change::NetworkChanged { network } => {
                self.networks.insert(network.id, network.clone());
            }
            Change::NetworkRemoved { id } => drop(self.networks.remove(id)),
            Change::EndpointCame { row } | Change::EndpointChanged { row } => {
                self.endpoints.insert(row.endpoint.id, row.clone());
            }
            Change::EndpointGone { id } => drop(self.endpoints.remove(id)),
            Change::EndpointHidden { id } => self.show(*id, false),
            Change::EndpointShown { id } => self.show(*id, true),
            other => self.apply_to_own(other),
        }
    }

    /// What concerns the node itself.
    fn apply_to_own(&mut self, change: &Change) {
        match change {
            Change::BlockTaken { network, range } => drop(self.blocks.insert((*network, *range))),
            Change::BlockGiven { network, range } => drop(self.blocks.remove(&(*network, *range))),
            Change::AddressLeased { network, address } => {
                self.leases.insert((*network, *address));
            }
            Change::AddressReleased { network, address } => {
                self.leases.remove(&(*network, *address));
            }
            Change::Mirrored { network, docker } => {
                self.mirrored.insert(docker.clone(), *network);
            }
            Change::Unmirrored { docker } => drop(self.mirrored.remove(docker)),
            Change::ManagerFound => self.managed = true,
            Change::ManagerLost => self.managed = false,
            Change::Disowned => self.disowned = true,
            Change::Owned => self.disowned = false,
            _tells_only => {}
        }
    }

    fn show(&mut self, id: EndpointId, visible: bool) {
        if let Some(row) = self.endpoints.get_mut(&id) {
            row.visible = visible;
        }
    }
}
