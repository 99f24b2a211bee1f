//! The egress bridge: in the host's namespace, with an address of its own.

use weft_model::Mtu;

use super::bridge::{self, PortsSeen};
use crate::{Change, Egress, EgressSeen, Place};

/// Makes, mends or removes it.
pub(super) fn mend(desired: Option<&Egress>, seen: Option<&EgressSeen>, changes: &mut Vec<Change>) {
    match (desired, seen) {
        (None, None) => {}
        (None, Some(_)) => changes.push(Change::RemoveEgress),
        (Some(egress), None) => {
            changes.push(Change::AddBridge { place: Place::Egress, mtu: Mtu::ETHERNET });
            mend_parts(egress, &EgressSeen::default(), changes);
        }
        (Some(egress), Some(seen)) => {
            bridge::mend(Place::Egress, Mtu::ETHERNET, Some(&seen.bridge), changes);
            mend_parts(egress, seen, changes);
        }
    }
}

fn mend_parts(egress: &Egress, seen: &EgressSeen, changes: &mut Vec<Change>) {
    let address = egress.address;
    changes.extend((!seen.addresses.contains(&address)).then_some(Change::AddAddress(address)));
    let ports = PortsSeen { here: &seen.ports, elsewhere: None };
    bridge::set_ports(Place::Egress, Mtu::ETHERNET, &egress.ports, &ports, changes);
    let stale = seen.addresses.iter().filter(|&&seen| seen != address);
    changes.extend(stale.map(|&address| Change::RemoveAddress(address)));
    bridge::remove_ports(Place::Egress, &egress.ports, &seen.ports, changes);
}
