//! Hosts that were refused: each is counted, and told once in a while with what to do.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use weft_model::NodeId;
use weft_transport::{Refusal, Stranger};

use crate::metrics::Counters;

/// The same host is told of again after this time.
const AGAIN: Duration = Duration::from_secs(60);
/// So many hosts are told apart; further ones are counted only.
const MOST: usize = 256;

/// Who was told of lately.
#[derive(Debug)]
pub(crate) struct Strangers {
    told: BTreeMap<(IpAddr, Option<NodeId>, Refusal), Instant>,
    counters: Counters,
}

impl Strangers {
    /// Counts into `counters`.
    pub(crate) fn new(counters: Counters) -> Self {
        Self { told: BTreeMap::new(), counters }
    }

    /// Where refused hosts are counted.
    pub(crate) const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Counts a stranger, and tells of it unless it was told of a moment ago.
    pub(crate) fn tell(&mut self, stranger: Stranger) {
        let Stranger { at, node, why } = stranger;
        self.counters.refused(word(why));
        if self.is_news(stranger, Instant::now()) {
            let node = node.map(tracing::field::display);
            tracing::warn!(%at, node, reason = word(why), hint = hint(why), "a host is refused");
        }
    }

    fn is_news(&mut self, Stranger { at, node, why }: Stranger, now: Instant) -> bool {
        self.told.retain(|_, since| now.saturating_duration_since(*since) < AGAIN);
        let who = (at.ip(), node, why);
        if self.told.len() >= MOST || self.told.contains_key(&who) {
            return false;
        }
        self.told.insert(who, now);
        true
    }
}

const fn word(why: Refusal) -> &'static str {
    match why {
        Refusal::Foreign => "foreign",
        Refusal::Expired => "expired",
        Refusal::NoMember => "no_member",
        Refusal::Clone => "clone",
        Refusal::OwnClone => "own_clone",
    }
}

const fn hint(why: Refusal) -> &'static str {
    match why {
        Refusal::Foreign => {
            "its certificate is not of this cluster: if it should be a member, weft leave --force and \
             weft join there; otherwise find out who it is"
        }
        Refusal::Expired => {
            "its certificate has run out: its agent asks for a new one by itself; if it does not come \
             back, look at its log and its clock. If it is not that host, its key was stolen: weft node rm"
        }
        Refusal::NoMember => {
            "it was taken out with weft node rm: weft leave --force there. If it is not that host, its \
             key was stolen, and is worth nothing"
        }
        Refusal::Clone => {
            "two hosts run with the state of one: stop weft on the one that is refused, empty its \
             state directory there, and let it join as a node of its own"
        }
        Refusal::OwnClone => {
            "this host runs with the state of another one, which goes on: stop weft here, empty its \
             state directory, and join as a node of its own"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_host_is_told_of_once_a_minute_and_a_flood_of_them_not_at_all() {
        let mut strangers = Strangers::new(Counters::default());
        let start = Instant::now();
        let stranger = |port, why| Stranger { at: ([192, 0, 2, 9], port).into(), node: None, why };
        assert!(strangers.is_news(stranger(1, Refusal::Foreign), start));
        assert!(!strangers.is_news(stranger(2, Refusal::Foreign), start));
        assert!(strangers.is_news(stranger(2, Refusal::Expired), start));
        assert!(strangers.is_news(stranger(1, Refusal::Foreign), start + AGAIN));
        let many = (0..2 * MOST).filter(|n| {
            let node = Some(NodeId::from_random(*n as u128));
            strangers.is_news(Stranger { node, ..stranger(1, Refusal::NoMember) }, start + AGAIN)
        });
        assert!(many.count() < MOST);
    }
}
