//! From desired and observed to a plan.
//!
//! Pure and deterministic. The order is the safety: every prefix of the plan leaves alive what is
//! both observed and desired.
//!
//! ```text
//! guard lets new peers in → segments are made and mended → egress → old segments go → guard shuts
//! ```

mod bridge;
mod egress;
mod firewall;
mod passage;
mod segment;

use crate::{Change, Desired, FirewallSeen, Observed, PassageSeen, Plan};

/// What is to be done so that `observed` becomes `desired`. Empty if nothing is.
#[must_use]
pub fn diff(desired: &Desired, observed: &Observed) -> Plan {
    let mut changes = Vec::new();
    let firewall = firewall::open(&desired.firewall(), &observed.firewall);
    changes.extend(firewall.clone().map(Change::SetFirewall));
    for segment in desired.segments.values() {
        segment::mend(segment, observed.segments.get(&segment.vni), &mut changes);
    }
    egress::mend(desired.egress.as_ref(), observed.egress.as_ref(), &mut changes);
    changes.extend(passage::mend(desired, &observed.passage));
    let leftover = observed.segments.keys().filter(|vni| !desired.segments.contains_key(vni));
    changes.extend(leftover.map(|&vni| Change::RemoveSegment(vni)));
    let opened = firewall.map_or_else(|| observed.firewall.clone(), FirewallSeen::Holds);
    changes.extend(firewall::shut(&desired.firewall(), &opened).map(Change::SetFirewall));
    Plan { changes }
}

/// What is to be done so that nothing of Weft's is left.
#[must_use]
pub fn teardown(observed: &Observed) -> Plan {
    let mut changes: Vec<_> =
        observed.segments.keys().map(|&vni| Change::RemoveSegment(vni)).collect();
    changes.extend(observed.egress.is_some().then_some(Change::RemoveEgress));
    let passage = matches!(observed.passage, PassageSeen::Altered | PassageSeen::Open(_));
    changes.extend(passage.then_some(Change::ShutPassage));
    let table = observed.firewall != FirewallSeen::Missing;
    changes.extend(table.then_some(Change::RemoveFirewall));
    Plan { changes }
}

#[cfg(test)]
mod tests;
