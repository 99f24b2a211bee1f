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
mod gate;
mod passage;
mod segment;
mod woven;

use std::collections::BTreeMap;

use weft_model::Vni;

use crate::{
    Change, Desired, Engine, FirewallSeen, GateSeen, Observed, PassageSeen, Plan, Segment,
};

/// What is to be done so that `observed` becomes `desired`. Empty if nothing is.
#[must_use]
pub fn diff(desired: &Desired, observed: &Observed) -> Plan {
    let mut changes = Vec::new();
    let firewall = firewall::open(&desired.firewall(), &observed.firewall);
    changes.extend(firewall.clone().map(Change::SetFirewall));
    let gate = gate::open(&desired.gate(), &observed.gate);
    changes.extend(gate.clone().map(Change::SetGate));
    let networks = networks(desired, observed, &mut changes);
    egress::mend(desired.egress.as_ref(), observed.egress.as_ref(), &mut changes);
    changes.extend(passage::mend(desired, &observed.passage));
    changes.extend(networks);
    let opened = firewall.map_or_else(|| observed.firewall.clone(), FirewallSeen::Holds);
    changes.extend(firewall::shut(&desired.firewall(), &opened).map(Change::SetFirewall));
    let opened = gate.map_or_else(|| observed.gate.clone(), GateSeen::whole);
    changes.extend(gate::shut(&desired.gate(), &opened).map(Change::SetGate));
    Plan { changes }
}

/// Makes and mends networks. What is to follow, once the rest is done, is the answer: the other
/// engine's networks and those that nobody wants any more go, and then the UDP port is free for the
/// device that all networks share.
fn networks(desired: &Desired, observed: &Observed, changes: &mut Vec<Change>) -> Vec<Change> {
    let Desired { engine, segments, .. } = desired;
    let shared = observed.shared.as_ref();
    let wants_shared = *engine == Engine::Bpf && !segments.is_empty();
    changes.extend((shared.is_some() && !wants_shared).then_some(Change::RemoveShared));
    for segment in segments.values() {
        mend(*engine, segment, observed, changes);
    }
    let wanted = |of: Engine, vni: &Vni| *engine == of && segments.contains_key(vni);
    let bridged = observed.segments.keys().filter(|vni| !wanted(Engine::Bridge, vni));
    let woven = observed.woven.keys().filter(|vni| !wanted(Engine::Bpf, vni));
    let bridged = bridged.map(|&vni| Change::RemoveSegment(vni));
    let mut rest: Vec<_> = bridged.chain(woven.map(|&vni| Change::Unweave(vni))).collect();
    let port = desired.guard.udp_port;
    rest.extend(wants_shared.then(|| woven::mend_shared(port, shared)).flatten());
    rest
}

fn mend(engine: Engine, segment: &Segment, observed: &Observed, changes: &mut Vec<Change>) {
    let nothing = BTreeMap::new();
    let bridged = observed.segments.get(&segment.vni);
    let woven = observed.woven.get(&segment.vni);
    match engine {
        Engine::Bridge => {
            let elsewhere = woven.map_or(&nothing, |woven| &woven.ports);
            segment::mend(segment, bridged, elsewhere, changes);
        }
        Engine::Bpf => {
            let elsewhere = bridged.map_or(&nothing, |bridged| &bridged.ports);
            woven::mend(segment, woven, elsewhere, changes);
        }
    }
}

/// What is to be done so that nothing of Weft's is left.
#[must_use]
pub fn teardown(observed: &Observed) -> Plan {
    let mut changes: Vec<_> =
        observed.segments.keys().map(|&vni| Change::RemoveSegment(vni)).collect();
    changes.extend(observed.woven.keys().map(|&vni| Change::Unweave(vni)));
    changes.extend(observed.shared.is_some().then_some(Change::RemoveShared));
    changes.extend(observed.egress.is_some().then_some(Change::RemoveEgress));
    let passage = matches!(observed.passage, PassageSeen::Altered | PassageSeen::Open(_));
    changes.extend(passage.then_some(Change::ShutPassage));
    let table = observed.firewall != FirewallSeen::Missing;
    changes.extend(table.then_some(Change::RemoveFirewall));
    let gate = matches!(observed.gate, GateSeen::Holds { .. });
    changes.extend(gate.then_some(Change::RemoveGate));
    Plan { changes }
}

#[cfg(test)]
mod tests;
