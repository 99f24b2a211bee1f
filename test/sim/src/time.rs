//! Virtual time, and hosts' clocks that do not quite agree with it.

use std::fmt;
use std::time::{Duration, Instant};

/// Nanoseconds since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SimTime(pub(crate) u64);

impl SimTime {
    pub(crate) fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(span)))
    }

    pub(crate) const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Duration::from_nanos(self.0))
    }
}

/// Drift is told in parts of it.
const MILLION: i128 = 1_000_000;

/// A host's monotonic clock: it has its own beginning, and runs a little fast or slow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostClock {
    origin: Instant,
    /// Parts per million that it is fast; below zero: slow.
    drift: i64,
}

impl HostClock {
    pub(crate) const fn new(origin: Instant, drift: i64) -> Self {
        Self { origin, drift }
    }

    /// What it shows.
    pub(crate) fn show(&self, time: SimTime) -> Instant {
        self.origin + Duration::from_nanos(stretch(time.0, self.drift))
    }

    /// When it will show `instant`, and not a nanosecond earlier.
    pub(crate) fn when(&self, instant: Instant) -> SimTime {
        let shown = nanoseconds(instant.saturating_duration_since(self.origin));
        let time = i128::from(shown) * MILLION / (MILLION + i128::from(self.drift));
        // Two divisions that round: one nanosecond for each.
        SimTime(u64::try_from(time + 2).unwrap_or(u64::MAX))
    }
}

fn stretch(nanoseconds: u64, drift: i64) -> u64 {
    let time = i128::from(nanoseconds);
    u64::try_from(time + time * i128::from(drift) / MILLION).unwrap_or(0)
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_never_rings_early_however_wrong_the_clock() {
        let origin = Instant::now();
        for drift in [-50_000, -200, 0, 200, 50_000] {
            let clock = HostClock::new(origin, drift);
            for seconds in [0, 1, 60, 3600] {
                let due = origin + Duration::from_secs(seconds);
                let rings = clock.when(due);
                assert!(clock.show(rings) >= due, "{drift} {seconds}");
                assert!(clock.show(rings) - due < Duration::from_nanos(10), "{drift} {seconds}");
            }
        }
    }
}
