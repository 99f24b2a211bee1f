//! One node's standing, and every way it can change.
//!
//! ```text
//!   Up --disconnected--> Unreachable --grace time over--> Down
//!   ^                        |                              |
//!   +-------connected--------+----------connected-----------+
//! ```

use std::time::{Duration, Instant};

/// How a node stands with this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A connection to it is alive.
    Up,
    /// It has no connection, but for too short a time to say that it is down.
    Unreachable {
        /// When the connection was lost, or when the node became known.
        since: Instant,
    },
    /// It has had no connection for longer than the grace time.
    Down {
        /// When the connection was lost, or when the node became known.
        since: Instant,
    },
}

/// What can happen to a standing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input {
    Connected,
    Disconnected(Instant),
    Timeout(Instant),
}

impl Standing {
    /// The transition table.
    pub(crate) fn next(self, input: Input, hide_after: Duration) -> Self {
        match (self, input) {
            (Self::Up | Self::Unreachable { .. } | Self::Down { .. }, Input::Connected)
            | (Self::Up, Input::Timeout(_)) => Self::Up,
            (Self::Up, Input::Disconnected(now)) => Self::Unreachable { since: now },
            (Self::Unreachable { since }, Input::Timeout(now)) if now >= since + hide_after => {
                Self::Down { since }
            }
            (Self::Unreachable { since }, Input::Disconnected(_) | Input::Timeout(_)) => {
                Self::Unreachable { since }
            }
            (Self::Down { since }, Input::Disconnected(_) | Input::Timeout(_)) => {
                Self::Down { since }
            }
        }
    }

    /// When it changes by itself.
    pub(crate) fn deadline(self, hide_after: Duration) -> Option<Instant> {
        match self {
            Self::Unreachable { since } => Some(since + hide_after),
            Self::Up | Self::Down { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(2);

    #[test]
    fn every_transition_is_the_one_in_the_table() {
        let start = crate::test_clock();
        let late = start + GRACE;
        let early = late.checked_sub(Duration::from_nanos(1)).unwrap();
        let (up, gone, down) =
            (Standing::Up, Standing::Unreachable { since: start }, Standing::Down { since: start });
        let lost_late = Standing::Unreachable { since: late };
        let table = [
            (up, Input::Connected, up),
            (up, Input::Disconnected(late), lost_late),
            (up, Input::Timeout(late), up),
            (gone, Input::Connected, up),
            (gone, Input::Disconnected(late), gone),
            (gone, Input::Timeout(early), gone),
            (gone, Input::Timeout(late), down),
            (down, Input::Connected, up),
            (down, Input::Disconnected(late), down),
            (down, Input::Timeout(late), down),
        ];
        for (before, input, after) in table {
            assert_eq!(before.next(input, GRACE), after, "{before:?} on {input:?}");
        }
    }

    #[test]
    fn only_an_unreachable_node_waits_for_a_time() {
        let start = crate::test_clock();
        assert_eq!(Standing::Up.deadline(GRACE), None);
        assert_eq!(Standing::Unreachable { since: start }.deadline(GRACE), Some(start + GRACE));
        assert_eq!(Standing::Down { since: start }.deadline(GRACE), None);
    }
}
