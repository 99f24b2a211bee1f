//! What the cluster means: everything that decides a packet's path, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use weft_model::{
    DEFAULT_VXLAN_PORT, Endpoint, EndpointId, MacAddr, Mtu, Network, NetworkId, Node, NodeId, Vni,
    Vtep,
};

/// An endpoint and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The network it is on.
    pub network: NetworkId,
    /// The host it is on.
    pub owner: NodeId,
    /// The endpoint itself.
    pub endpoint: Endpoint,
    /// Whether its host is up. A host that is not keeps its table entries, only names go.
    pub visible: bool,
}

/// The facts that program every kernel and explain every packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// All networks.
    pub networks: BTreeMap<NetworkId, Network>,
    /// The members of the cluster, up or not.
    pub nodes: BTreeMap<NodeId, Node>,
    /// All endpoints that are known of.
    pub endpoints: BTreeMap<EndpointId, Located>,
    /// Addresses whose last workload has ended, until another one has them: known of a host's own.
    pub ended: BTreeMap<NetworkId, BTreeSet<IpAddr>>,
    /// What the underlay leaves for a packet inside VXLAN.
    pub inner_mtu: Mtu,
    /// The UDP port of the cluster's VXLAN.
    pub vxlan_port: u16,
}

impl Default for Facts {
    /// A cluster of nobody, on Ethernet.
    fn default() -> Self {
        Self {
            networks: BTreeMap::new(),
            nodes: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            ended: BTreeMap::new(),
            inner_mtu: Mtu::ETHERNET.inner(IpAddr::from([0, 0, 0, 0])),
            vxlan_port: DEFAULT_VXLAN_PORT,
        }
    }
}

impl Facts {
    /// The endpoints of one network, in the order of their ids.
    pub fn endpoints_of(&self, network: NetworkId) -> impl Iterator<Item = &Located> {
        self.endpoints.values().filter(move |row| row.network == network)
    }

    /// The endpoints of one network on one host.
    pub fn local(&self, node: NodeId, network: NetworkId) -> impl Iterator<Item = &Located> {
        self.endpoints_of(network).filter(move |row| row.owner == node)
    }

    /// Whether a host takes part in a network.
    #[must_use]
    pub fn serves(&self, node: NodeId, network: NetworkId) -> bool {
        self.local(node, network).next().is_some()
    }

    /// Where a host sends and accepts VXLAN.
    #[must_use]
    pub fn vtep(&self, node: NodeId) -> Option<Vtep> {
        self.nodes.get(&node).map(|node| node.vtep)
    }

    /// The network that has `vni` on the wire.
    #[must_use]
    pub fn network_with(&self, vni: Vni) -> Option<&Network> {
        self.networks.values().find(|network| network.vni == vni)
    }

    /// The endpoint that has `mac`. MAC addresses are random; should two have one, the one that
    /// is up counts, then the one with the lower id, on every host alike.
    #[must_use]
    pub fn with_mac(&self, network: NetworkId, mac: MacAddr) -> Option<&Located> {
        self.endpoints_of(network)
            .filter(|row| row.endpoint.mac == mac && self.nodes.contains_key(&row.owner))
            .min_by_key(|row| !row.visible)
    }

    /// The endpoints of other members, the ones that count last: those that are up before those
    /// that are not, lower ids before higher ones.
    pub(crate) fn remote(&self, node: NodeId, network: NetworkId) -> Vec<&Located> {
        let member = |row: &&Located| row.owner != node && self.nodes.contains_key(&row.owner);
        let mut rows: Vec<&Located> = self.endpoints_of(network).filter(member).collect();
        rows.reverse();
        rows.sort_by_key(|row| row.visible);
        rows
    }
}
