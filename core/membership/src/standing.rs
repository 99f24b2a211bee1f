//! How one node stands with this one.

use std::time::Instant;

/// How a node stands with this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is alive.
    Up,
    /// Nothing is heard of it, but for too short a time to say that it is down.
    Unreachable {
        /// Since when.
        since: Instant,
    },
    /// This node cannot talk to it, others can.
    Indirect {
        /// When the connection was lost.
        since: Instant,
    },
    /// It is down, as far as anybody knows.
    Down {
        /// When it was last heard of, or when the node became known.
        since: Instant,
    },
}
