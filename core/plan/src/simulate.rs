//! What a change leads to, if the kernel does as it is told.

use std::collections::BTreeMap;

use weft_model::Vni;

use crate::{
    Change, EgressSeen, Engine, FdbSeen, FirewallSeen, GateSeen, IfName, LinkSeen, NeighborSeen,
    Observed, PassageSeen, Place, SegmentSeen, SharedSeen, Tunnel, VxlanSeen,
};

/// The state after `change`. A change to something that is not there changes nothing.
#[must_use]
pub fn simulate(observed: &Observed, change: &Change) -> Observed {
    let mut after = observed.clone();
    match change {
        Change::SetFirewall(firewall) => after.firewall = FirewallSeen::Holds(firewall.clone()),
        Change::RemoveFirewall => after.firewall = FirewallSeen::Missing,
        Change::SetGate(gate) => after.gate = GateSeen::whole(gate.clone()),
        Change::RemoveGate => after.gate = GateSeen::Missing,
        Change::AddNamespace(vni) => drop(after.segments.insert(*vni, SegmentSeen::default())),
        Change::RemoveSegment(vni) => drop(after.segments.remove(vni)),
        Change::AddBridge { place, mtu } | Change::SetBridge { place, mtu, .. } => {
            set_bridge(&mut after, *place, LinkSeen::sound(*mtu));
        }
        Change::AddPort { place, name, port, mtu }
        | Change::SetPort { place, name, port, mtu, .. } => {
            let link = LinkSeen::port(*mtu, port);
            ports(&mut after, *place).map(|ports| ports.insert(name.clone(), link));
        }
        Change::MovePort { from, place, name, port, mtu } => {
            let gone = ports(&mut after, *from).and_then(|ports| ports.remove(name));
            let link = LinkSeen::port(*mtu, port);
            let ports = ports(&mut after, *place).filter(|_| gone.is_some());
            ports.map(|ports| ports.insert(name.clone(), link));
        }
        Change::SetShared { udp_port, .. } => {
            after.shared = Some(SharedSeen { udp_port: *udp_port, ..SharedSeen::default() });
        }
        Change::RemoveShared => after.shared = None,
        Change::Weave(vni) => after.woven.entry(*vni).or_default().flaws.clear(),
        Change::Unweave(vni) => drop(after.woven.remove(vni)),
        Change::RemovePort { place, name } => {
            ports(&mut after, *place).map(|ports| ports.remove(name));
        }
        Change::AddAddress(address) => {
            after.egress.as_mut().map(|egress| egress.addresses.insert(*address));
        }
        Change::RemoveAddress(address) => {
            after.egress.as_mut().map(|egress| egress.addresses.remove(address));
        }
        Change::RemoveEgress => after.egress = None,
        Change::OpenPassage(bridge) => set_passage(&mut after, PassageSeen::Open(bridge.clone())),
        Change::ShutPassage => set_passage(&mut after, PassageSeen::Shut),
        Change::SetFdb { engine: Engine::Bpf, .. }
        | Change::RemoveFdb { engine: Engine::Bpf, .. }
        | Change::SetNeighbor { engine: Engine::Bpf, .. }
        | Change::RemoveNeighbor { engine: Engine::Bpf, .. } => in_tables(&mut after, change),
        Change::AddVxlan(_)
        | Change::ReplaceVxlan { .. }
        | Change::SetVxlan { .. }
        | Change::SetFdb { .. }
        | Change::RemoveFdb { .. }
        | Change::SetNeighbor { .. }
        | Change::RemoveNeighbor { .. } => in_segment(&mut after, change),
    }
    after
}

fn in_segment(after: &mut Observed, change: &Change) {
    let Some(segment) = change.vni().and_then(|vni| alive(after, vni)) else { return };
    match change {
        Change::AddVxlan(tunnel) | Change::ReplaceVxlan { tunnel, .. } => {
            segment.vxlan = Some(vxlan(tunnel));
            segment.fdb.clear();
            segment.neighbors.clear();
        }
        Change::SetVxlan { tunnel, .. } if segment.vxlan.is_some() => {
            segment.vxlan = Some(vxlan(tunnel));
        }
        Change::RemoveFdb { mac, .. } => drop(segment.fdb.remove(mac)),
        Change::RemoveNeighbor { address, .. } => drop(segment.neighbors.remove(address)),
        Change::SetFdb { mac, vtep, .. } if segment.vxlan.is_some() => {
            segment.fdb.insert(*mac, FdbSeen::At(*vtep));
        }
        Change::SetNeighbor { address, mac, .. } if segment.vxlan.is_some() => {
            segment.neighbors.insert(*address, NeighborSeen::Permanent(*mac));
        }
        _ => {}
    }
}

/// The programs' tables.
fn in_tables(after: &mut Observed, change: &Change) {
    let Some(woven) = change.vni().and_then(|vni| after.woven.get_mut(&vni)) else { return };
    match change {
        Change::RemoveFdb { mac, .. } => drop(woven.fdb.remove(mac)),
        Change::RemoveNeighbor { address, .. } => drop(woven.neighbors.remove(address)),
        Change::SetFdb { mac, vtep, .. } => drop(woven.fdb.insert(*mac, FdbSeen::At(*vtep))),
        Change::SetNeighbor { address, mac, .. } => {
            woven.neighbors.insert(*address, NeighborSeen::Permanent(*mac));
        }
        _ => {}
    }
}

fn alive(after: &mut Observed, vni: Vni) -> Option<&mut SegmentSeen> {
    after.segments.get_mut(&vni)
}

fn set_bridge(after: &mut Observed, place: Place, link: LinkSeen) {
    match place {
        Place::Segment(vni) => {
            if let Some(segment) = alive(after, vni) {
                segment.bridge = Some(link);
            }
        }
        // There is none.
        Place::Host(_) => {}
        Place::Egress => after.egress.get_or_insert_with(EgressSeen::default).bridge = link,
    }
}

/// The chain is Docker's: without it there is nothing to write to.
fn set_passage(after: &mut Observed, passage: PassageSeen) {
    if after.passage != PassageSeen::NoChain {
        after.passage = passage;
    }
}

fn ports(after: &mut Observed, place: Place) -> Option<&mut BTreeMap<IfName, LinkSeen>> {
    match place {
        Place::Segment(vni) => alive(after, vni).map(|segment| &mut segment.ports),
        Place::Host(vni) => after.woven.get_mut(&vni).map(|woven| &mut woven.ports),
        Place::Egress => after.egress.as_mut().map(|egress| &mut egress.ports),
    }
}

fn vxlan(tunnel: &Tunnel) -> VxlanSeen {
    VxlanSeen {
        link: LinkSeen::sound(tunnel.mtu),
        local: Some(tunnel.local.0),
        udp_port: tunnel.udp_port,
    }
}
