//! How the others are looked at.

use std::time::Duration;

/// How the others are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A node whose connection was lost is down after this time.
    pub hide_after: Duration,
    /// Up to so many nodes each keeps a connection to each, and a connection says more than
    /// gossip.
    pub mesh: usize,
}

impl Default for Settings {
    fn default() -> Self {
        // A connection is given up 1.5 to 1.8 s after a host's last word (`io/transport`); together
        // that is less than the 3 s within which a crashed host's names are to be gone.
        Self { hide_after: Duration::from_millis(400), mesh: 128 }
    }
}
