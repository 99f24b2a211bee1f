//! After a restart the kernel remembers what the agent does not know yet.
//!
//! Entries towards an owner that has not spoken since the agent started are taken into what is
//! desired as they stand. Once the owner has spoken its word counts and nothing else.

use std::collections::BTreeSet;

use weft_model::{Vni, Vtep};
use weft_plan::{Desired, FdbSeen, NeighborSeen, Observed};

/// Per network, the hosts that have not said yet what they have there.
pub(crate) type Unheard = BTreeSet<(Vni, Vtep)>;

/// Adds the kernel's entries towards `unheard` hosts to `desired`, where nothing else is desired.
pub(crate) fn adopt(desired: &mut Desired, observed: &Observed, unheard: &Unheard) {
    for (vni, segment) in &mut desired.segments {
        let Some(seen) = observed.segments.get(vni) else { continue };
        for (mac, entry) in &seen.fdb {
            if let FdbSeen::At(vtep) = entry
                && unheard.contains(&(*vni, *vtep))
            {
                segment.fdb.entry(*mac).or_insert(*vtep);
            }
        }
        for (address, entry) in &seen.neighbors {
            if let NeighborSeen::Permanent(mac) = entry
                && segment.fdb.contains_key(mac)
            {
                segment.neighbors.entry(*address).or_insert(*mac);
            }
        }
    }
}
