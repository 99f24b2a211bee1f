//! Whether a cluster goes on with the registry that one of its managers holds: another manager may have
//! begun a later generation of it while this one was away.

use crate::{Revision, generation};

/// How a registry stands beside what other managers know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// It is the latest: all others have said what they know.
    Latest,
    /// Another manager has a later generation: whoever holds this one was left behind.
    LeftBehind,
    /// Nobody who answers has a later one; who does not answer may.
    Open,
}

/// How the registry at revision `held` stands. `known` is what each other manager confirms: a revision, 0 if
/// it confirms none; nothing if it does not answer.
#[must_use]
pub fn succession(held: Revision, known: &[Option<Revision>]) -> Succession {
    let later = |revision: &Revision| generation(*revision) > generation(held);
    if known.iter().flatten().any(later) {
        Succession::LeftBehind
    } else if known.iter().all(Option::is_some) {
        Succession::Latest
    } else {
        Succession::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GENERATION;

    #[test]
    fn a_later_generation_leaves_an_earlier_one_behind_and_no_revision_does() {
        let (held, much_later, next) = (7, 7 + GENERATION / 2, GENERATION + 3);
        for (known, expected) in [
            (&[][..], Succession::Latest),
            (&[Some(0)], Succession::Latest),
            (&[Some(6), Some(much_later)], Succession::Latest),
            (&[None], Succession::Open),
            (&[Some(much_later), None], Succession::Open),
            (&[Some(next)], Succession::LeftBehind),
            (&[Some(6), Some(next)], Succession::LeftBehind),
            (&[None, Some(next)], Succession::LeftBehind),
        ] {
            assert_eq!(succession(held, known), expected, "{known:?}");
        }
        // Those that were left behind say nothing against whoever went on.
        assert_eq!(succession(next, &[Some(held), Some(next + 9)]), Succession::Latest);
        assert_eq!(succession(next, &[Some(next + GENERATION)]), Succession::LeftBehind);
    }
}
