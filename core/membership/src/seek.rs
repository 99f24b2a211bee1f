//! Whom a host asks for on the wire while they are away, beside its kernel.
//!
//! Such questions are broadcasts: many hosts of a segment take turns, none asks for many at once, and nobody is
//! asked for for ever.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use weft_model::NodeId;

use crate::Standing;

/// In a turn at most so many of all hosts ask for the same one.
const ASKERS: usize = 16;
/// In a turn a host asks for so many at most: with five turns a second, fewer than the 15 questions at which
/// switches that guard against ARP floods shut a port.
const AT_ONCE: usize = 2;
/// A host that is away for longer than this is left to the kernel.
const HOPE: Duration = Duration::from_mins(10);

/// Those that are away and that it is the turn of `me` to ask for; `standings` has all others.
#[must_use]
pub fn sought(
    standings: &BTreeMap<NodeId, Standing>,
    me: NodeId,
    turn: usize,
    now: Instant,
) -> Vec<NodeId> {
    let (own, count) = (standings.range(..me).count(), standings.len() + 1);
    let away =
        standings.iter().enumerate().filter(|(_, (_, standing))| is_awaited(**standing, now));
    // Among all, this host counted, as every other host numbers them.
    let placed = away.map(|(place, (node, _))| (place + usize::from(*node > me), *node));
    let mine = placed.filter(|(place, _)| is_turn(turn, (own, *place), count));
    few(mine.map(|(_, node)| node).collect(), turn / turns_apart(count))
}

/// Of `count` hosts one asks for another every so many turns.
fn turns_apart(count: usize) -> usize {
    count.div_ceil(ASKERS).max(1)
}

/// Whether it is the turn of the host at place `own` of `count` to ask for the one at `other`.
fn is_turn(turn: usize, (own, other): (usize, usize), count: usize) -> bool {
    (turn + own + other).is_multiple_of(turns_apart(count))
}

/// No more of these than a host may ask for, each round the next ones.
fn few<T>(mut all: Vec<T>, round: usize) -> Vec<T> {
    if !all.is_empty() {
        let first = (round * AT_ONCE) % all.len();
        all.rotate_left(first);
        all.truncate(AT_ONCE);
    }
    all
}

fn is_awaited(standing: Standing, now: Instant) -> bool {
    match standing {
        Standing::Up => false,
        Standing::Unreachable { since }
        | Standing::Indirect { since }
        | Standing::Down { since } => now.saturating_duration_since(since) < HOPE,
    }
}

#[cfg(test)]
mod tests {
    use crate::test_clock;

    use super::*;

    #[test]
    fn few_ask_always_and_many_take_turns() {
        assert!((0..100).all(|turn| is_turn(turn, (3, 7), ASKERS)));
        let (count, other) = (1000, 700);
        let askers = |turn| (0..count).filter(move |own| is_turn(turn, (*own, other), count));
        let every = turns_apart(count);
        assert!((0..every).all(|turn| (1..=ASKERS).contains(&askers(turn).count())));
        let mut all: Vec<usize> = (0..every).flat_map(askers).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..count), "each host asks once a round");
    }

    #[test]
    fn all_hosts_number_each_other_alike() {
        let now = test_clock();
        let ids: Vec<NodeId> = (1..=40).map(NodeId::from_random).collect();
        let asks = |me: NodeId, turn| {
            let others = ids.iter().copied().filter(|node| *node != me);
            let down = |node| (node, Standing::Down { since: now });
            sought(&others.map(down).collect(), me, turn, now)
        };
        for turn in 0..9 {
            for other in &ids {
                let askers = ids.iter().filter(|me| asks(**me, turn).contains(other)).count();
                assert!(askers <= ASKERS, "{askers} ask for {other}");
            }
        }
        assert!(ids.iter().all(|me| (0..9).all(|turn| asks(*me, turn).len() <= AT_ONCE)));
    }

    #[test]
    fn all_are_asked_for_in_the_end() {
        let asked: Vec<u8> = (0..5).flat_map(|round| few(vec![1, 2, 3, 4, 5], round)).collect();
        assert_eq!(asked, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
        assert_eq!((few(vec![7], 3), few(Vec::<u8>::new(), 3)), (vec![7], vec![]));
    }

    #[test]
    fn whoever_is_away_for_long_is_left_alone() {
        let since = test_clock();
        for standing in [
            Standing::Unreachable { since },
            Standing::Indirect { since },
            Standing::Down { since },
        ] {
            assert!(is_awaited(standing, since) && is_awaited(standing, since + HOPE.mul_f32(0.9)));
            assert!(!is_awaited(standing, since + HOPE));
        }
        assert!(!is_awaited(Standing::Up, since));
    }
}
