//! The difference between two hosts' clocks.

use std::time::Duration;

use crate::{Check, Finding, Severity};

/// Logs and events of two hosts cannot be told in order beyond this.
const NOTICED: Duration = Duration::from_secs(2);
/// Certificates begin an hour before they are made, so more than this is refused.
const REFUSED: Duration = Duration::from_secs(3600);

/// Judges how far `peer`'s clock is from `host`'s, either way.
#[must_use]
pub fn judge(host: &str, peer: &str, difference: Duration) -> Option<Finding> {
    let severity = match difference {
        d if d > REFUSED => Severity::Error,
        d if d > NOTICED => Severity::Warning,
        _ => return None,
    };
    let what = format!("the clocks of {host} and {peer} differ by {} s", difference.as_secs());
    let why = "certificates and join tokens are refused by a host whose clock is far off, and \
        logs of several hosts cannot be read side by side";
    let remedy = "`timedatectl set-ntp true` on both hosts, and look which one is wrong: `date -u`";
    let told = [what, why.to_owned(), remedy.to_owned()];
    Some(Finding::new(severity, Check::Clock, host, told).towards(peer))
}

/// What another host's clock said, between two looks at this host's; all in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// This host's when the other one was asked.
    pub asked: i64,
    /// The other one's.
    pub theirs: i64,
    /// This host's when the answer was there.
    pub answered: i64,
}

/// How far this host's clock is ahead of others', in microseconds: the median of all readings, each
/// wrong by half of the time that its answer took at most. Negative: behind. Of two in the middle the
/// lesser counts. Absent: nobody has answered.
#[must_use]
pub fn ahead(readings: &[Reading]) -> Option<i64> {
    let one = |reading: &Reading| {
        let here = reading.asked.midpoint(reading.answered);
        here.saturating_sub(reading.theirs)
    };
    let mut all: Vec<i64> = readings.iter().map(one).collect();
    all.sort_unstable();
    let middle = [all.len().checked_sub(1)? / 2, all.len() / 2];
    middle
        .into_iter()
        .filter_map(|at| all.get(at).copied())
        .min_by_key(|ahead| ahead.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_as_far_ahead_as_the_median_says() {
        let reading = |asked, theirs, answered| Reading { asked, theirs, answered };
        assert_eq!(ahead(&[]), None);
        assert_eq!(ahead(&[reading(1_000, 1_050, 1_100)]), Some(0));
        assert_eq!(ahead(&[reading(1_000, 5_050, 1_100)]), Some(-4_000));
        let of = |theirs: &[i64]| {
            ahead(&theirs.iter().map(|theirs| reading(0, *theirs, 0)).collect::<Vec<_>>())
        };
        assert_eq!(of(&[-7, -900, -5]), Some(7), "one wrong manager of three is outvoted");
        assert_eq!(of(&[3, -900]), Some(-3));
        assert_eq!(of(&[900, -3]), Some(3));
        assert_eq!(ahead(&[reading(i64::MAX, i64::MIN, i64::MAX)]), Some(i64::MAX));
    }

    #[test]
    fn a_clock_that_is_far_off_is_an_error() {
        let of = |seconds| judge("a", "b", Duration::from_secs(seconds)).map(|f| f.severity);
        assert_eq!(of(1), None);
        assert_eq!(of(30), Some(Severity::Warning));
        assert_eq!(of(7_200), Some(Severity::Error));
    }
}
