//! What the kernel should hold, from the same facts that the packet's path is told from.

use std::collections::{BTreeMap, BTreeSet};

use weft_membership::Standing;
use weft_model::{DEFAULT_VXLAN_PORT, Network, Vni, Vtep};
use weft_path::Facts;
use weft_plan::{Desired, Door, Egress, Guard, IfName, Port, Segment};

use super::State;
use crate::adopt::Unheard;
use crate::local::{Attachment, Workload};

impl State {
    /// The UDP port of the cluster's VXLAN.
    pub(super) fn vxlan_port(&self) -> u16 {
        self.followed.view.cluster().map_or(DEFAULT_VXLAN_PORT, |cluster| cluster.vxlan_port)
    }

    /// The kernel's target.
    pub(super) fn desired(&self, facts: &Facts) -> Desired {
        let mut desired = Desired {
            engine: self.engine,
            guard: Guard {
                udp_port: self.vxlan_port(),
                peers: weft_path::peers(facts, self.me.id).into_iter().map(|vtep| vtep.0).collect(),
            },
            local: Some(self.me.vtep.0),
            doors: self.doors(),
            egress: self.egress(),
            ..Desired::default()
        };
        for network in self.followed.view.networks().values() {
            let ports = self.ports(network);
            if !ports.is_empty() {
                desired.segments.insert(network.vni, self.segment(facts, network, ports));
            }
        }
        desired
    }

    /// The agent's ports for other hosts, and for whoever reads its metrics.
    fn doors(&self) -> BTreeSet<Door> {
        let metrics = self.metrics.map(|address| Door::Tcp(address.port()));
        metrics.into_iter().chain([Door::Udp(self.me.control.port())]).collect()
    }

    fn segment(&self, facts: &Facts, network: &Network, ports: BTreeMap<IfName, Port>) -> Segment {
        Segment {
            vni: network.vni,
            mtu: network.mtu.unwrap_or(self.inner_mtu),
            local: self.me.vtep,
            udp_port: self.vxlan_port(),
            ports,
            neighbors: weft_path::neighbors(facts, self.me.id, network.id),
            fdb: weft_path::fdb(facts, self.me.id, network.id),
        }
    }

    fn ports(&self, network: &Network) -> BTreeMap<IfName, Port> {
        let has_port = |attachment: &&Attachment| {
            let plain = matches!(attachment.workload, Workload::Plain { .. });
            attachment.network == network.id && (attachment.joined || plain)
        };
        let here = self.attachments.values().filter(has_port);
        here.map(|attachment| {
            let id = attachment.endpoint.id;
            let port = Port {
                peer: IfName::peer(id),
                mac: attachment.endpoint.mac,
                addresses: attachment.endpoint.addresses.iter().copied().collect(),
                forwards: network.forwards(),
            };
            (IfName::port(id), port)
        })
        .collect()
    }

    /// The way out of the workloads that are not Docker's, if there are any.
    fn egress(&self) -> Option<Egress> {
        let out = |attachment: &Attachment| match attachment.workload {
            Workload::Plain { egress, .. } => egress,
            Workload::Docker { .. } => None,
        };
        let ports: BTreeMap<IfName, Port> = self
            .attachments
            .values()
            .filter_map(|attachment| {
                let id = attachment.endpoint.id;
                let port = Port {
                    peer: IfName::egress_peer(id),
                    mac: attachment.endpoint.mac,
                    addresses: BTreeSet::from([out(attachment)?]),
                    forwards: false,
                };
                Some((IfName::egress_port(id), port))
            })
            .collect();
        (!ports.is_empty()).then(|| Egress {
            bridge: IfName::egress(),
            address: self.egress,
            ports,
        })
    }

    /// Hosts that have not said yet what they have on the networks that this node is on.
    pub(super) fn unheard(&self) -> Unheard {
        let mut unheard = Unheard::new();
        for id in self.whereabouts.networks() {
            let Some(network) = self.network(id) else { continue };
            let others = self.followed.view.nodes().values().filter(|node| node.id != self.me.id);
            let silent = others.filter(|node| !self.whereabouts.heard(id, node.id));
            unheard.extend(silent.map(|node| (network.vni, node.vtep)));
        }
        unheard
    }

    /// The networks of those of these hosts that are up: what they have there is on its way.
    pub(super) fn unheard_though_up(&self, unheard: &Unheard) -> BTreeSet<Vni> {
        let view = &self.followed.view;
        let up = self.membership.standings().filter(|(_, standing)| *standing == Standing::Up);
        let up: BTreeSet<Vtep> =
            up.filter_map(|(node, _)| view.node(node)).map(|node| node.vtep).collect();
        unheard.iter().filter(|(_, vtep)| up.contains(vtep)).map(|(vni, _)| *vni).collect()
    }
}
