//! What is wrong with one node, and what follows from it at which time.
//!
//! ```text
//!          nothing heard             hide_after later
//!   Up ---------------> Unreachable ------------------> Down --+
//!    ^                       |                           |  ^  | others talk to it
//!    +------ heard of -------+--------- heard of --------+  |  v
//!    +------------------------ connected ------------------ Indirect
//! ```

use std::time::{Duration, Instant};

use crate::Standing;

/// Who has had no connection for this long, and is still alive to the others, is alive.
///
/// A member that died has been suspected by then: it is probed about twice a second.
const VOUCHED: Duration = Duration::from_secs(4);
/// A member that comes back in its next life is up again within this time: nobody needs to know.
const FLICKER: Duration = Duration::from_millis(200);

/// What is wrong with one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Since when there is no connection, where there should be one.
    pub(crate) lost: Option<Instant>,
    /// Since when it is no active member.
    pub(crate) silent: Option<Instant>,
    /// Until when it is waited for although it is silent.
    pub(crate) patience: Option<Instant>,
    /// It was never heard of, and is waited for until then.
    pub(crate) arrives: Option<Instant>,
    /// What was told of it.
    pub(crate) told: Told,
}

/// What the rest of the agent knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    /// Nothing bad.
    #[default]
    Nothing,
    /// That it is down.
    Down,
    /// That it is reached through others only.
    Indirect,
}

impl Trouble {
    pub(crate) const fn is_over(&self) -> bool {
        self.lost.is_none() && self.silent.is_none()
    }

    /// It is no active member any more.
    pub(crate) fn fall_silent(&mut self, now: Instant) {
        self.silent.get_or_insert(now);
        self.patience.get_or_insert(now + FLICKER);
    }

    /// It is an active member; whether it can be connected with is another matter.
    pub(crate) const fn speak(&mut self) {
        (self.silent, self.patience) = (None, None);
    }

    fn hides_at(&self, hide_after: Duration) -> Option<Instant> {
        let lost = match self.arrives {
            // It was never talked to, but others do: first connections take a while when packets
            // get lost, and a death would be told by them.
            Some(_) if self.silent.is_none() => self.vouched_at(hide_after),
            _ => self.lost.map(|since| since + hide_after),
        };
        // A node that is connected is not down, whatever others say: the caller sees to that.
        let silent = self.silent.and(self.patience);
        let hides = lost.into_iter().chain(silent).min();
        hides.map(|at| self.arrives.map_or(at, |arrives| at.max(arrives)))
    }

    /// What is to be told of it at `now`.
    pub(crate) fn is_told(&self, now: Instant, hide_after: Duration) -> Told {
        if self.hides_at(hide_after).is_none_or(|at| now < at) {
            return Told::Nothing;
        }
        let vouched =
            self.silent.is_none() && self.vouched_at(hide_after).is_some_and(|at| now >= at);
        if vouched { Told::Indirect } else { Told::Down }
    }

    /// Without a word of it nobody vouches for it.
    fn vouched_at(&self, hide_after: Duration) -> Option<Instant> {
        self.lost.map(|since| since + hide_after + VOUCHED)
    }

    /// When something else is to be told by itself.
    pub(crate) fn deadline(&self, hide_after: Duration) -> Option<Instant> {
        match self.told {
            Told::Nothing => self.hides_at(hide_after),
            Told::Down if self.silent.is_none() => self.vouched_at(hide_after),
            Told::Down | Told::Indirect => None,
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        let since = self.lost.into_iter().chain(self.silent).min();
        match (self.told, since) {
            (_, None) => Standing::Up,
            (Told::Nothing, Some(since)) => Standing::Unreachable { since },
            (Told::Down, Some(since)) => Standing::Down { since },
            (Told::Indirect, Some(since)) => Standing::Indirect { since },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIDE: Duration = Duration::from_millis(500);

    #[test]
    fn a_lost_connection_is_waited_for_a_moment() {
        let start = crate::test_clock();
        let trouble = Trouble { lost: Some(start), ..Trouble::default() };
        assert_eq!(trouble.is_told(start, HIDE), Told::Nothing);
        assert_eq!(trouble.deadline(HIDE), Some(start + HIDE));
        assert_eq!(trouble.is_told(start + HIDE, HIDE), Told::Down);
        assert_eq!(trouble.is_told(start + HIDE + VOUCHED, HIDE), Told::Indirect);
    }

    #[test]
    fn who_is_silent_too_is_down_for_good() {
        let start = crate::test_clock();
        let mut trouble = Trouble { lost: Some(start), ..Trouble::default() };
        trouble.fall_silent(start);
        let late = start + Duration::from_secs(60);
        assert_eq!(trouble.is_told(start + FLICKER, HIDE), Told::Down);
        assert_eq!(trouble.is_told(late, HIDE), Told::Down);
        trouble.told = Told::Down;
        assert_eq!(trouble.deadline(HIDE), None);
        assert_eq!(trouble.standing(), Standing::Down { since: start });
        trouble.speak();
        assert_eq!(trouble.is_told(late, HIDE), Told::Indirect);
    }

    #[test]
    fn who_was_never_connected_and_is_alive_to_others_is_never_called_dead() {
        let start = crate::test_clock();
        let arrives = start + Duration::from_secs(3);
        let mut trouble = Trouble {
            lost: Some(start),
            silent: Some(start),
            patience: Some(start),
            arrives: Some(arrives),
            told: Told::Nothing,
        };
        assert_eq!(trouble.is_told(arrives, HIDE), Told::Down, "nobody has heard of it");
        trouble.speak();
        assert_eq!(trouble.is_told(arrives, HIDE), Told::Nothing);
        assert_eq!(trouble.deadline(HIDE), Some(start + HIDE + VOUCHED));
        assert_eq!(trouble.is_told(start + HIDE + VOUCHED, HIDE), Told::Indirect);
        trouble.fall_silent(arrives);
        assert_eq!(trouble.is_told(arrives + FLICKER, HIDE), Told::Down, "others lost it, too");
    }

    #[test]
    fn nothing_is_told_of_a_life_that_follows_at_once() {
        let start = crate::test_clock();
        let mut trouble = Trouble::default();
        trouble.fall_silent(start);
        assert_eq!(trouble.is_told(start, HIDE), Told::Nothing);
        trouble.speak();
        assert!(trouble.is_over());
    }
}
