//! After a restart the kernel remembers what the agent does not know yet.
//!
//! Entries towards an owner that has not spoken since the agent started are taken into what is
//! desired as they stand. Once the owner has spoken its word counts and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use weft_model::{MacAddr, Vni, Vtep};
use weft_plan::{Desired, Engine, FdbSeen, NeighborSeen, Observed};

/// Per network, the hosts that have not said yet what they have there.
pub(crate) type Unheard = BTreeSet<(Vni, Vtep)>;

/// Adds the kernel's entries towards `unheard` hosts to `desired`, where nothing else is desired.
pub(crate) fn adopt(desired: &mut Desired, observed: &Observed, unheard: &Unheard) {
    let engine = desired.engine;
    for (vni, segment) in &mut desired.segments {
        let Some((fdb, neighbors)) = tables(engine, *vni, observed) else { continue };
        for (mac, entry) in fdb {
            if let FdbSeen::At(vtep) = entry
                && unheard.contains(&(*vni, *vtep))
            {
                segment.fdb.entry(*mac).or_insert(*vtep);
            }
        }
        for (address, entry) in neighbors {
            if let NeighborSeen::Permanent(mac) = entry
                && segment.fdb.contains_key(mac)
            {
                segment.neighbors.entry(*address).or_insert(*mac);
            }
        }
    }
}

type Tables<'a> = (&'a BTreeMap<MacAddr, FdbSeen>, &'a BTreeMap<IpAddr, NeighborSeen>);

/// A network's tables; those of the other engine, as long as this one has none.
fn tables(engine: Engine, vni: Vni, observed: &Observed) -> Option<Tables<'_>> {
    let bridged = observed.segments.get(&vni).map(|seen| (&seen.fdb, &seen.neighbors));
    let woven = observed.woven.get(&vni).map(|seen| (&seen.fdb, &seen.neighbors));
    match engine {
        Engine::Bridge => bridged.or(woven),
        Engine::Bpf => woven.or(bridged),
    }
}

#[cfg(test)]
mod tests {
    use weft_model::Mtu;
    use weft_plan::{Segment, SegmentSeen, diff};

    use super::*;

    const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 9]);
    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 7, 0, 9));
    const H2: Vtep = Vtep(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)));
    const H3: Vtep = Vtep(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 3)));

    fn vni() -> Vni {
        Vni::from_random(1)
    }

    /// A network on which nobody else is known to have anything.
    fn desired() -> Desired {
        let segment = Segment {
            vni: vni(),
            mtu: Mtu::ETHERNET,
            local: Vtep([192, 0, 2, 1].into()),
            udp_port: 4789,
            ports: BTreeMap::new(),
            neighbors: BTreeMap::new(),
            fdb: BTreeMap::new(),
        };
        Desired { segments: BTreeMap::from([(vni(), segment)]), ..Desired::default() }
    }

    /// The kernel still leads to an endpoint on h2.
    fn observed() -> Observed {
        let mut observed = Observed::from(&desired());
        let seen: &mut SegmentSeen = observed.segments.get_mut(&vni()).unwrap();
        seen.fdb.insert(MAC, FdbSeen::At(H2));
        seen.neighbors.insert(ADDRESS, NeighborSeen::Permanent(MAC));
        observed
    }

    fn changes_while_unheard(unheard: &Unheard) -> usize {
        let mut desired = desired();
        adopt(&mut desired, &observed(), unheard);
        diff(&desired, &observed()).changes.len()
    }

    #[test]
    fn entries_towards_a_host_that_has_not_spoken_stay() {
        assert_eq!(changes_while_unheard(&Unheard::from([(vni(), H2)])), 0);
    }

    #[test]
    fn entries_towards_a_host_that_has_spoken_are_its_to_keep() {
        assert_eq!(changes_while_unheard(&Unheard::from([(vni(), H3)])), 2);
    }

    #[test]
    fn what_is_known_wins_over_what_the_kernel_remembers() {
        let mut desired = desired();
        desired.segments.get_mut(&vni()).unwrap().fdb.insert(MAC, H3);
        adopt(&mut desired, &observed(), &Unheard::from([(vni(), H2)]));
        assert_eq!(desired.segments[&vni()].fdb[&MAC], H3);
    }
}
