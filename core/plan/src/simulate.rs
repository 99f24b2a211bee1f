//! What a change leads to, if the kernel does as it is told.

use std::collections::BTreeMap;

use weft_model::Vni;

use crate::{
    Change, EgressSeen, FdbSeen, FirewallSeen, IfName, LinkSeen, NeighborSeen, Observed,
    PassageSeen, Place, SegmentSeen, Tunnel, VxlanSeen,
};

/// The state after `change`. A change to something that is not there changes nothing.
#[must_use]
pub fn simulate(observed: &Observed, change: &Change) -> Observed {
    let mut after = observed.clone();
    match change {
        Change::SetFirewall(firewall) => after.firewall = FirewallSeen::Holds(firewall.clone()),
        Change::RemoveFirewall => after.firewall = FirewallSeen::Missing,
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
