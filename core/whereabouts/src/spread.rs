//! How far a change is pushed: to everybody in a small network, to some in a large one, who pass
//! it on when it is new to them, once.

use std::time::{Duration, Instant};

use weft_model::{NetworkId, NodeId};

use crate::outbox::{Detail, Say};
use crate::{StreamId, Whereabouts};

/// Up to so many participants the owner tells all of them.
pub(crate) const TO_ALL: usize = 16;
/// What came within this time is passed on together.
const GATHER: Duration = Duration::from_millis(5);

/// How many are told at a time, of so many.
///
/// With ln P + c tellings a node, all but e^-c of P nodes hear of it (Eugster et al. 2004); the
/// rest is found by digests.
pub(crate) fn fanout(participants: usize) -> usize {
    if participants <= TO_ALL {
        return participants;
    }
    let wanted = f64::from(u32::try_from(participants).unwrap_or(u32::MAX));
    let powers = std::iter::successors(Some(1.0), |power| Some(power * std::f64::consts::E));
    powers.take_while(|power| *power < wanted).count() + 5
}

/// Something that is to be passed on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relay {
    /// What this node had before.
    after: u64,
    /// Who told it.
    by: NodeId,
}

impl Whereabouts {
    /// Tells some participants of what changed in this node's stream after version `after`.
    pub(crate) fn push(&mut self, stream: StreamId, after: u64) {
        for to in self.draw(stream.network) {
            self.say(to, Say::News(stream), Detail::After { version: after, fresh: true });
        }
    }

    /// Something new came that others may not know.
    pub(crate) fn pass_on(&mut self, now: Instant, stream: StreamId, after: u64, by: NodeId) {
        let (me, hidden) = (self.me, &self.hidden);
        let table = self.tables.get_mut(&stream.network);
        if table.is_none_or(|table| table.target_count(me, hidden) <= TO_ALL) {
            return;
        }
        let relay = self.relays.entry(stream).or_insert(Relay { after, by });
        relay.after = relay.after.min(after);
        self.relay_at.get_or_insert(now + GATHER);
    }

    /// Passes on what has gathered, all of a network to the same participants: each change reaches
    /// as many as if it were alone, in as few packets as one.
    pub(crate) fn relay(&mut self) {
        self.relay_at = None;
        let mut drawn: Option<(NetworkId, Vec<NodeId>)> = None;
        for (stream, Relay { after, by }) in std::mem::take(&mut self.relays) {
            let (_, told) = match drawn.take().filter(|(network, _)| *network == stream.network) {
                Some(same) => drawn.insert(same),
                None => drawn.insert((stream.network, self.draw(stream.network))),
            };
            for &to in told.iter().filter(|to| **to != by && **to != stream.owner) {
                self.say(to, Say::News(stream), Detail::After { version: after, fresh: true });
            }
        }
    }

    fn draw(&mut self, network: NetworkId) -> Vec<NodeId> {
        let (me, hidden) = (self.me, &self.hidden);
        let Some(table) = self.tables.get_mut(&network) else { return Vec::new() };
        let count = fanout(table.target_count(me, hidden));
        table.draw((me, hidden), count, &mut self.dice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fanout_grows_with_the_logarithm() {
        let table = [(0, 0), (4, 4), (16, 16), (17, 8), (100, 10), (1_000, 12), (10_000, 15)];
        for (participants, told) in table {
            assert_eq!(fanout(participants), told, "{participants}");
        }
    }
}
