//! The way through Docker's packet filter, as long as there is one and somebody needs it.

use crate::{Change, Desired, PassageSeen};

/// Opens or shuts it.
pub(super) fn mend(desired: &Desired, seen: &PassageSeen) -> Option<Change> {
    let right = seen.right_for(desired);
    match right {
        _ if right == *seen => None,
        PassageSeen::Open(bridge) => Some(Change::OpenPassage(bridge)),
        _ => Some(Change::ShutPassage),
    }
}
