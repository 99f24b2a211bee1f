//! Hosts that were refused: each is counted, and told once in a while with what to do.

use std::net::IpAddr;
use std::time::Instant;

use weft_model::NodeId;
use weft_transport::{Refusal, Stranger};

use crate::lately::Lately;
use crate::metrics::Counters;

type Who = (IpAddr, Option<NodeId>, Refusal);

/// Who was told of lately.
#[derive(Debug)]
pub(crate) struct Strangers {
    told: Lately<Who>,
    counters: Counters,
}

impl Strangers {
    /// Counts into `counters`.
    pub(crate) fn new(counters: Counters) -> Self {
        Self { told: Lately::default(), counters }
    }

    /// Where refused hosts are counted.
    pub(crate) const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Counts a stranger, and tells of it unless it was told of a moment ago.
    pub(crate) fn tell(&mut self, stranger: Stranger) {
        let Stranger { at, node, why } = stranger;
        self.counters.refused(word(why));
        if self.told.is_news(who(&stranger), Instant::now()) {
            let node = node.map(tracing::field::display);
            tracing::warn!(%at, node, reason = word(why), hint = hint(why), "a host is refused");
        }
    }
}

/// Whoever comes again, from whatever port, is the same.
const fn who(stranger: &Stranger) -> Who {
    (stranger.at.ip(), stranger.node, stranger.why)
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
    fn whoever_comes_again_from_another_port_is_the_same() {
        let stranger = |port, why| Stranger { at: ([192, 0, 2, 9], port).into(), node: None, why };
        let first = who(&stranger(1, Refusal::Foreign));
        assert_eq!(who(&stranger(2, Refusal::Foreign)), first);
        assert_ne!(who(&stranger(1, Refusal::Expired)), first);
    }
}
