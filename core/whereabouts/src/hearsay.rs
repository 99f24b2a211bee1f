//! What others say of a node that can be asked itself.
//!
//! In a small network an owner tells everybody: there another member's word about it is worth a
//! question to the owner, and nothing more. What an owner that is up does not confirm in time was
//! not its word, and is told of. In a large network members pass rows on, and of a node that is down
//! somebody else has to tell: there they are believed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use weft_model::NodeId;

use crate::spread::TO_ALL;
use crate::{Head, Rejected, StreamId, Whereabouts};

/// An owner that is up confirms within this time what was said of it, whatever gets lost: longer
/// than one that has died is thought to be up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was said, by whom, and was neither confirmed nor told of yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hearsay {
    claimed: BTreeMap<(StreamId, NodeId), (Head, Instant)>,
    rejected: Vec<Rejected>,
}

impl Hearsay {
    /// Nothing that was said of `owner` matters any more, or of anybody by it.
    pub(crate) fn forget(&mut self, node: NodeId) {
        self.claimed.retain(|(stream, by), _| stream.owner != node && *by != node);
    }
}

impl Whereabouts {
    /// The next message that turned out not to be believed after it was taken; each is told once.
    pub fn poll_rejected(&mut self) -> Option<Rejected> {
        self.hearsay.rejected.pop()
    }

    /// Whether `from` speaks of another node that can be asked itself.
    pub(crate) fn is_hearsay(&mut self, from: NodeId, stream: StreamId) -> bool {
        if from == stream.owner || self.hidden.contains(&stream.owner) {
            return false;
        }
        let (me, hidden) = (self.me, &self.hidden);
        let table = self.tables.get_mut(&stream.network);
        table.is_some_and(|table| table.target_count(me, hidden) <= TO_ALL)
    }

    /// Asks the owner itself for what `from` says of it.
    pub(crate) fn doubt(&mut self, now: Instant, from: NodeId, stream: StreamId, head: Head) {
        self.hearsay.claimed.entry((stream, from)).or_insert((head, now));
        self.ask(now, stream.owner, stream, false);
    }

    /// Tells of what an owner was asked for, had its time to confirm, and did not.
    pub(crate) fn review_hearsay(&mut self, now: Instant) {
        for ((stream, from), (head, since)) in std::mem::take(&mut self.hearsay.claimed) {
            if !self.is_hearsay(from, stream) || self.known(stream) >= head {
                continue;
            }
            if now.saturating_duration_since(since) < PATIENCE {
                self.hearsay.claimed.insert((stream, from), (head, since));
                continue;
            }
            let (epoch, known) = (head.epoch, self.known(stream).epoch);
            let owner = stream.owner;
            self.hearsay.rejected.push(Rejected::NotTheirWord { from, owner, epoch, known });
        }
    }

    fn known(&self, stream: StreamId) -> Head {
        self.tables.get(&stream.network).map(|table| table.head(stream.owner)).unwrap_or_default()
    }
}
