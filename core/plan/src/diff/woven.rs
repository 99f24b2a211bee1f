//! One network that programs carry: the two tables, and ports in the host's own namespace.
//!
//! As with bridges, new entries stand before old ones go, and a port comes after what it needs.

use std::collections::BTreeMap;

use super::bridge::{self, PortsSeen};
use super::segment::{remove_entries, set_entries};
use crate::{Change, Engine, Flaw, IfName, LinkSeen, Place, Segment, SharedSeen, WovenSeen};

/// Makes or mends one network; `bridged` are its ports that a bridge of this host still has.
pub(super) fn mend(
    segment: &Segment,
    seen: Option<&WovenSeen>,
    bridged: &BTreeMap<IfName, LinkSeen>,
    changes: &mut Vec<Change>,
) {
    let vni = segment.vni;
    let unknown = WovenSeen { flaws: [Flaw::NotServed].into(), ..WovenSeen::default() };
    let seen = seen.unwrap_or(&unknown);
    if !seen.flaws.is_empty() {
        changes.push(Change::Weave(vni));
    }
    let place = Place::Host(vni);
    let elsewhere = (Place::Segment(vni), bridged);
    set_entries(segment, Engine::Bpf, (&seen.fdb, &seen.neighbors), changes);
    let ports = PortsSeen { here: &seen.ports, elsewhere: Some(elsewhere) };
    bridge::set_ports(place, segment.mtu, &segment.ports, &ports, changes);
    remove_entries(segment, Engine::Bpf, (&seen.fdb, &seen.neighbors), changes);
    bridge::remove_ports(place, &segment.ports, &seen.ports, changes);
}

/// Makes or mends the VXLAN device of all networks. It has no tables that could be lost.
pub(super) fn mend_shared(udp_port: u16, seen: Option<&SharedSeen>) -> Option<Change> {
    let right = SharedSeen { udp_port, ..SharedSeen::default() };
    let flaws = seen.map(|seen| seen.flaws.clone()).unwrap_or_default();
    (seen != Some(&right)).then_some(Change::SetShared { udp_port, flaws })
}
