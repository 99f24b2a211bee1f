//! What one watcher has seen of one name.

use std::net::Ipv4Addr;

use super::clock::Moment;
use super::subject::Letter;

/// Answers and replies, as they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Sightings {
    /// Each answer that differs from the one before it.
    pub(super) answers: Vec<(Moment, Vec<Ipv4Addr>)>,
    /// The first reply of the right one.
    pub(super) first_reply: Option<(Moment, Letter)>,
    /// The last one, and from where.
    pub(super) last_reply: Option<(Moment, Ipv4Addr)>,
    /// Replies of somebody else.
    pub(super) wrong: usize,
    /// Whether its end is near.
    pub(super) ending: bool,
}

impl Sightings {
    pub(super) fn answered(&mut self, at: Moment, addresses: Vec<Ipv4Addr>) {
        if self.answers.last().is_none_or(|(_, last)| *last != addresses) {
            self.answers.push((at, addresses));
        }
    }

    pub(super) fn replied(&mut self, at: Moment, name: &str, from: Ipv4Addr, letter: Letter) {
        if letter.name != name {
            self.wrong += 1;
            return;
        }
        self.last_reply = Some((at, from));
        self.first_reply.get_or_insert((at, letter));
    }

    /// When the name was first resolved.
    pub(super) fn resolved(&self) -> Option<Moment> {
        let mut found = self.answers.iter().filter(|(_, addresses)| !addresses.is_empty());
        found.next().map(|(at, _)| *at)
    }

    /// Since when the name is gone, if it is.
    pub(super) fn gone(&self) -> Option<Moment> {
        let (at, addresses) = self.answers.last()?;
        addresses.is_empty().then_some(*at)
    }

    /// Whether it is about to go: then each question that is not asked makes it seem to stay for longer.
    pub(super) fn is_going(&self) -> bool {
        self.ending && self.gone().is_none()
    }

    /// The address that it has now.
    pub(super) fn address(&self) -> Option<Ipv4Addr> {
        self.answers.last()?.1.first().copied()
    }

    /// Since when the name has one address at which it is the right one who replies, as was seen
    /// after `moment`; nothing if that is not so.
    pub(super) fn right(&self, moment: Moment) -> Option<Moment> {
        let (since, addresses) = self.answers.last()?;
        let (replied, from) = self.last_reply?;
        (addresses.as_slice() == [from] && replied > moment).then_some(*since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    fn at(milliseconds: u64) -> Moment {
        Moment::from_millis(milliseconds)
    }

    #[test]
    fn a_name_comes_and_goes() {
        let mut seen = Sightings::default();
        seen.answered(at(1), vec![]);
        assert_eq!((seen.resolved(), seen.gone()), (None, Some(at(1))));
        seen.answered(at(5), vec![ADDRESS]);
        seen.answered(at(6), vec![ADDRESS]);
        let letter = |name: &str| Letter { stamp: at(4), name: name.into() };
        seen.replied(at(7), "a", ADDRESS, letter("b"));
        assert_eq!((seen.wrong, seen.right(at(0))), (1, None));
        seen.replied(at(8), "a", ADDRESS, letter("a"));
        assert_eq!((seen.right(at(0)), seen.right(at(8))), (Some(at(5)), None));
        seen.ending = true;
        assert!(seen.is_going());
        seen.answered(at(9), vec![]);
        assert!(!seen.is_going());
        assert_eq!((seen.resolved(), seen.gone()), (Some(at(5)), Some(at(9))));
        assert_eq!(seen.right(at(0)), None);
    }
}
