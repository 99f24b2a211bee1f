//! The connection between two hosts of a small cluster, as `io/transport` keeps it: one a pair.

use std::time::Duration;

use crate::time::SimTime;

/// Without a packet for this long a side gives the connection up (`io/transport`, idle time-out).
pub(crate) const IDLE: Duration = Duration::from_millis(1500);
/// A packet that is not acknowledged is sent again: a round trip, and the delay that the other
/// side may take to acknowledge (RFC 9002 §6.2.1).
pub(crate) const RETRANSMIT: Duration = Duration::from_millis(30);
/// Whoever dials waits this long before it tries again.
pub(crate) const REDIAL: Duration = Duration::from_millis(250);
/// The same after a connection was lost.
pub(crate) const AT_ONCE: Duration = Duration::from_millis(50);
/// A handshake that gets no answer is given up after this long (`io/transport`).
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(1);
/// A packet of a handshake that gets no answer is sent again after this long, then after twice
/// that (`io/transport`, RFC 9002 §6.2.2: before a round trip was measured, three times the first
/// guess).
pub(crate) const FIRST_RETRANSMIT: Duration = Duration::from_millis(300);

/// One connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// Told apart from earlier ones of the same pair.
    pub(crate) number: u64,
    /// Since when packets do not pass, if they do not.
    pub(crate) broken: Option<SimTime>,
}

/// Links are kept under the lower host first.
pub(crate) fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}
