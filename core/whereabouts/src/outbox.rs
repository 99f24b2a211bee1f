//! What is to be said to one node.
//!
//! Not a queue: it names what the other should hear, and the message is made of the newest state
//! when it can be sent. So it is bounded by the number of streams, however slow the other.

use std::collections::BTreeMap;

use weft_model::NetworkId;

use crate::StreamId;

/// Something to say; what stands first is said first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Say {
    /// The networks that this node has endpoints on.
    Participation,
    /// Who takes part in this network?
    DirectoryRequest(NetworkId),
    /// Who takes part, as far as is known here.
    Directory(NetworkId),
    /// This node has no part in that network.
    Absent(NetworkId),
    /// What is new in a stream.
    News(StreamId),
    /// What is new in that stream?
    Request(StreamId),
    /// What is known of the streams in some buckets.
    Heads(NetworkId),
    /// The sums of all buckets.
    Buckets(NetworkId),
    /// The sum of everything.
    Digest(NetworkId),
}

/// More about what is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// There is nothing more.
    Plain,
    /// News after this version.
    After {
        /// The other has it, or may have.
        version: u64,
        /// Whether it is to be passed on.
        fresh: bool,
    },
    /// These buckets.
    In(u64),
    /// All of it, whatever is known.
    Whole,
}

/// What is to be said to one node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox(BTreeMap<Say, Detail>);

impl Outbox {
    /// Adds something; what is to be said already is said once, about all.
    pub(crate) fn put(&mut self, say: Say, detail: Detail) {
        self.0.entry(say).and_modify(|known| *known = known.with(detail)).or_insert(detail);
    }

    pub(crate) fn pop(&mut self) -> Option<(Say, Detail)> {
        self.0.pop_first()
    }
}

impl Detail {
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::After { version, fresh }, Self::After { version: earlier, fresh: too }) => {
                Self::After { version: version.min(earlier), fresh: fresh || too }
            }
            (Self::In(buckets), Self::In(more)) => Self::In(buckets | more),
            (Self::Plain, Self::Whole) => Self::Whole,
            (known, _) => known,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_much_changes_it_is_said_once_from_where_the_other_was_left() {
        let stream = StreamId {
            network: NetworkId::from_random(1),
            owner: weft_model::NodeId::from_random(2),
        };
        let mut outbox = Outbox::default();
        for version in [7, 3, 9] {
            let fresh = version == 3;
            outbox.put(Say::News(stream), Detail::After { version, fresh });
        }
        outbox.put(Say::Participation, Detail::Plain);
        assert_eq!(outbox.pop(), Some((Say::Participation, Detail::Plain)));
        let after = Detail::After { version: 3, fresh: true };
        assert_eq!(outbox.pop(), Some((Say::News(stream), after)));
        assert_eq!(outbox.pop(), None);
    }
}
