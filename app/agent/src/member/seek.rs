//! Whoever is away is asked for on the wire more often than kernels do, so that a cut is over soon
//! after the cable is back.
//!
//! A kernel asks for the MAC address of a host that does not answer once a second, and until it has it
//! nothing of what Weft sends leaves. Many hosts of a segment take turns, and nobody is asked for for ever: the
//! questions are broadcasts.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};
use weft_kernel::host;
use weft_membership::Standing;
use weft_model::NodeId;

use crate::fabric::Fabric;
use crate::state::Picture;

/// How often hosts take turns.
const TURN: Duration = Duration::from_millis(200);
/// In a turn at most so many of all hosts ask for the same one.
const ASKERS: usize = 16;
/// In a turn a host asks for so many at most: switches that guard against ARP floods shut a port that
/// sends 15 a second.
const AT_ONCE: usize = 2;
/// A host that is away for longer than this is left to the kernel.
const HOPE: Duration = Duration::from_mins(10);

/// Asks for whoever is away, until the state's owner is gone.
pub(super) async fn seek(fabric: Fabric) {
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for turn in 0.. {
        turns.tick().await;
        let sought = sought(&fabric.state.picture(), turn, Instant::now());
        if sought.is_empty() {
            continue;
        }
        if let Err(error) = host::ask_again(sought).await {
            tracing::debug!(%error, "hosts that are away are not asked for");
        }
    }
}

/// The addresses of those that are away and that it is this host's turn to ask for.
fn sought(picture: &Picture, turn: usize, now: Instant) -> Vec<IpAddr> {
    let away = picture.standings.iter().filter(|(_, standing)| is_awaited(**standing, now));
    let away: BTreeSet<NodeId> = away.map(|(node, _)| *node).collect();
    if away.is_empty() {
        return Vec::new();
    }
    let nodes = picture.view.nodes();
    let own = nodes.keys().take_while(|node| **node < picture.me.id).count();
    let places = nodes.values().enumerate().filter(|(_, node)| away.contains(&node.id));
    let mine = places.filter(|(place, _)| is_turn(turn, (own, *place), nodes.len()));
    few(mine.map(|(_, node)| node.vtep.0).collect(), turn / turns_apart(nodes.len()))
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
    fn all_are_asked_for_in_the_end() {
        let asked: Vec<u8> = (0..5).flat_map(|round| few(vec![1, 2, 3, 4, 5], round)).collect();
        assert_eq!(asked, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
        assert_eq!((few(vec![7], 3), few(Vec::<u8>::new(), 3)), (vec![7], vec![]));
    }

    #[test]
    fn whoever_is_away_for_long_is_left_alone() {
        let since = Instant::now();
        for standing in [
            Standing::Unreachable { since },
            Standing::Indirect { since },
            Standing::Down { since },
        ] {
            assert!(is_awaited(standing, since) && is_awaited(standing, since + HOPE - TURN));
            assert!(!is_awaited(standing, since + HOPE));
        }
        assert!(!is_awaited(Standing::Up, since));
    }
}
