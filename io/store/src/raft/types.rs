//! What the replicated log is made of.

use std::collections::VecDeque;
use std::io::Cursor;
use std::time::Duration;

use openraft::{LogId, StoredMembership};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use weft_model::NodeId;
use weft_registry::{LeaseId, Txn};

use crate::draft::Request;

openraft::declare_raft_types!(
    pub(crate) Types:
        D = Asked,
        R = (),
        NodeId = SeatId,
        Node = Seat,
        SnapshotData = Cursor<Vec<u8>>
);

/// A manager in the eyes of Raft. A manager that lost its disk takes a new one: the old one may have
/// promised what the new one does not know of.
pub(crate) type SeatId = u64;

/// Who has a seat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seat {
    /// The host; absent only where Raft asks for a default.
    pub(crate) node: Option<NodeId>,
}

/// An entry of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// By which the asker knows its entry again.
    pub(crate) id: u64,
    pub(crate) wish: Wish,
}

/// What is to be changed. No clock is in it, so that all managers come to the same result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Wish {
    Commit(Txn),
    Grant { ttl: Duration },
    KeepAlive(LeaseId),
    Revoke(LeaseId),
    End(Vec<LeaseId>),
}

impl Wish {
    /// The same for one manager, by its own clock.
    pub(crate) fn at(self, now: Instant) -> Request {
        match self {
            Self::Commit(txn) => Request::Commit(txn),
            Self::Grant { ttl } => Request::Grant { ttl, now },
            Self::KeepAlive(lease) => Request::KeepAlive { lease, now },
            Self::Revoke(lease) => Request::Revoke(lease),
            Self::End(leases) => Request::End(leases),
        }
    }
}

/// How far the log is applied, and who the managers are as of there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) log: Option<LogId<SeatId>>,
    pub(crate) membership: StoredMembership<SeatId, Seat>,
    /// What was done last, by the numbers of [`Asked`]: an entry may be in the log twice, since who asks
    /// for it asks again when an answer is lost.
    #[serde(default)]
    pub(crate) done: VecDeque<u64>,
}

/// So many numbers are kept. A question is asked again for some seconds at most, and a log takes
/// some hundred entries in that time.
const KEPT: usize = 1_024;

impl Placed {
    /// Whether an entry of this number is the first one.
    pub(crate) fn is_first(&mut self, id: u64) -> bool {
        if self.done.contains(&id) {
            return false;
        }
        if self.done.len() >= KEPT {
            self.done.pop_front();
        }
        self.done.push_back(id);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_done_once() {
        let mut placed = Placed::default();
        let ids = 0..u64::try_from(KEPT).unwrap();
        assert!(ids.clone().all(|id| placed.is_first(id)));
        assert!(ids.rev().all(|id| !placed.is_first(id)));
        assert!(placed.is_first(u64::MAX) && placed.done.len() == KEPT, "what is kept is bounded");
    }
}
