//! One network: namespace, bridge, VXLAN device, ports, and the two tables.
//!
//! New entries stand before old ones go; a station's home is known before its address is.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use weft_model::{MacAddr, Vtep};

use super::bridge::{self, PortsSeen};
use crate::{
    Change, Engine, FdbSeen, Flaw, IfName, LinkSeen, NamespaceSeen, NeighborSeen, Place, Segment,
    SegmentSeen, Tunnel, VxlanSeen,
};

/// Makes or mends one segment; `woven` are its ports that stand in the host's namespace.
pub(super) fn mend(
    segment: &Segment,
    seen: Option<&SegmentSeen>,
    woven: &BTreeMap<IfName, LinkSeen>,
    changes: &mut Vec<Change>,
) {
    let place = Place::Segment(segment.vni);
    let nothing = SegmentSeen::default();
    let alive = seen.filter(|seen| seen.namespace == NamespaceSeen::Alive);
    if alive.is_none() {
        changes.push(Change::AddNamespace(segment.vni));
    }
    let seen = alive.unwrap_or(&nothing);
    bridge::mend(place, segment.mtu, seen.bridge.as_ref(), changes);
    let kept = mend_vxlan(segment, seen.vxlan.as_ref(), changes);
    let elsewhere = Some((Place::Host(segment.vni), woven));
    let ports = PortsSeen { here: &seen.ports, elsewhere };
    bridge::set_ports(place, segment.mtu, &segment.ports, &ports, changes);
    let tables = match kept {
        Tables::Kept => (&seen.fdb, &seen.neighbors),
        Tables::Lost => (&nothing.fdb, &nothing.neighbors),
    };
    set_entries(segment, Engine::Bridge, tables, changes);
    remove_entries(segment, Engine::Bridge, tables, changes);
    bridge::remove_ports(place, &segment.ports, &seen.ports, changes);
}

/// Whether the device's tables outlive what is done to it.
enum Tables {
    Kept,
    Lost,
}

fn mend_vxlan(segment: &Segment, seen: Option<&VxlanSeen>, changes: &mut Vec<Change>) -> Tables {
    let Segment { vni, local, udp_port, mtu, .. } = *segment;
    let tunnel = Tunnel { vni, local, udp_port, mtu };
    let Some(seen) = seen else {
        changes.push(Change::AddVxlan(tunnel));
        return Tables::Lost;
    };
    let flaws = vxlan_flaws(&tunnel, seen);
    if flaws.iter().any(Flaw::needs_replacement) {
        changes.push(Change::ReplaceVxlan { tunnel, flaws });
        return Tables::Lost;
    }
    if !flaws.is_empty() {
        let stray = seen.link.stations.clone();
        changes.push(Change::SetVxlan { tunnel, flaws, stray });
    }
    Tables::Kept
}

fn vxlan_flaws(tunnel: &Tunnel, seen: &VxlanSeen) -> BTreeSet<Flaw> {
    let mut flaws = bridge::flaws(&seen.link, tunnel.mtu);
    let local = Some(tunnel.local.0);
    flaws.extend((seen.local != local).then_some(Flaw::Local(seen.local)));
    flaws.extend((seen.udp_port != tunnel.udp_port).then_some(Flaw::UdpPort(seen.udp_port)));
    flaws.extend((!seen.link.stations.is_empty()).then_some(Flaw::Stations));
    flaws
}

type Fdb = BTreeMap<MacAddr, FdbSeen>;
type Neighbors = BTreeMap<IpAddr, NeighborSeen>;

pub(super) fn set_entries(
    segment: &Segment,
    engine: Engine,
    (fdb, neighbors): (&Fdb, &Neighbors),
    changes: &mut Vec<Change>,
) {
    let vni = segment.vni;
    let homeless =
        segment.fdb.iter().filter(|(mac, vtep)| fdb.get(mac) != Some(&FdbSeen::At(**vtep)));
    changes.extend(homeless.map(|(&mac, &vtep): (_, &Vtep)| Change::SetFdb {
        engine,
        vni,
        mac,
        vtep,
    }));
    let unknown = segment
        .neighbors
        .iter()
        .filter(|(address, mac)| neighbors.get(address) != Some(&NeighborSeen::Permanent(**mac)));
    changes.extend(unknown.map(|(&address, &mac)| Change::SetNeighbor {
        engine,
        vni,
        address,
        mac,
    }));
}

pub(super) fn remove_entries(
    segment: &Segment,
    engine: Engine,
    (fdb, neighbors): (&Fdb, &Neighbors),
    changes: &mut Vec<Change>,
) {
    let vni = segment.vni;
    let stale = neighbors.keys().filter(|address| !segment.neighbors.contains_key(address));
    changes.extend(stale.map(|&address| Change::RemoveNeighbor { engine, vni, address }));
    let stale = fdb.keys().filter(|mac| !segment.fdb.contains_key(mac));
    changes.extend(stale.map(|&mac| Change::RemoveFdb { engine, vni, mac }));
}
