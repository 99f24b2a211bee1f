//! A bridge and its ports, in a segment or at the egress.

use std::collections::{BTreeMap, BTreeSet};

use weft_model::{MacAddr, Mtu};

use crate::{Change, Flaw, IfName, LinkSeen, Place, Port};

/// What is wrong with a link, its MTU included.
pub(super) fn flaws(link: &LinkSeen, mtu: Mtu) -> BTreeSet<Flaw> {
    let mut flaws = link.flaws.clone();
    flaws.extend((link.mtu != u32::from(mtu)).then_some(Flaw::Mtu(link.mtu)));
    flaws
}

/// Makes or mends the bridge itself.
pub(super) fn mend(place: Place, mtu: Mtu, seen: Option<&LinkSeen>, changes: &mut Vec<Change>) {
    let Some(seen) = seen else {
        changes.push(Change::AddBridge { place, mtu });
        return;
    };
    let flaws = flaws(seen, mtu);
    if !flaws.is_empty() {
        changes.push(Change::SetBridge { place, mtu, flaws });
    }
}

/// The ports of one place, and those that the other engine still has of the same network.
#[derive(Clone, Copy)]
pub(super) struct PortsSeen<'a> {
    pub(super) here: &'a BTreeMap<IfName, LinkSeen>,
    pub(super) elsewhere: Option<(Place, &'a BTreeMap<IfName, LinkSeen>)>,
}

impl PortsSeen<'_> {
    /// Where a port is that is not here.
    fn place_of(&self, name: &IfName) -> Option<Place> {
        let (place, ports) = self.elsewhere?;
        let sound = ports.get(name).filter(|link| !link.flaws.contains(&Flaw::Kind));
        sound.map(|_| place)
    }
}

/// Makes and mends ports.
pub(super) fn set_ports(
    place: Place,
    mtu: Mtu,
    desired: &BTreeMap<IfName, Port>,
    seen: &PortsSeen<'_>,
    changes: &mut Vec<Change>,
) {
    for (name, port) in desired {
        let add = || Change::AddPort { place, name: name.clone(), port: port.clone(), mtu };
        match seen.here.get(name) {
            None => changes.push(seen.place_of(name).map_or_else(add, |from| {
                let (name, port) = (name.clone(), port.clone());
                Change::MovePort { from, place, name, port, mtu }
            })),
            Some(link) if link.flaws.contains(&Flaw::Kind) => {
                changes.push(Change::RemovePort { place, name: name.clone() });
                changes.push(add());
            }
            Some(link) => changes.extend(set_port(place, mtu, (name, port), link)),
        }
    }
}

/// Removes ports that are nobody's.
pub(super) fn remove_ports(
    place: Place,
    desired: &BTreeMap<IfName, Port>,
    seen: &BTreeMap<IfName, LinkSeen>,
    changes: &mut Vec<Change>,
) {
    let stale = seen.keys().filter(|name| !desired.contains_key(*name));
    changes.extend(stale.map(|name| Change::RemovePort { place, name: name.clone() }));
}

fn set_port(
    place: Place,
    mtu: Mtu,
    (name, port): (&IfName, &Port),
    link: &LinkSeen,
) -> Option<Change> {
    let mut flaws = flaws(link, mtu);
    let own = BTreeSet::from([port.mac]);
    flaws.extend((link.stations != own).then_some(Flaw::Stations));
    let differs = |seen: &BTreeSet<_>| *seen != port.addresses || link.forwards != port.forwards;
    let stranger = link.addresses.as_ref().is_some_and(differs);
    flaws.extend(stranger.then_some(Flaw::Addresses));
    let stray: BTreeSet<MacAddr> = link.stations.difference(&own).copied().collect();
    let (name, port) = (name.clone(), port.clone());
    (!flaws.is_empty()).then_some(Change::SetPort { place, name, port, mtu, flaws, stray })
}
