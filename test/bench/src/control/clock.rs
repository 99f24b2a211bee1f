//! The machine's monotonic clock, which all hosts and containers of a lab share.

use std::io;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Time since the machine's start.
pub(crate) type Moment = Duration;

/// What time it is.
pub(crate) fn now() -> io::Result<Moment> {
    Ok(Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?))
}

/// Milliseconds from one moment to another; negative if that is the earlier one.
pub(crate) fn between(from: Moment, to: Moment) -> f64 {
    (to.as_secs_f64() - from.as_secs_f64()) * 1e3
}
