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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_far_off_is_an_error() {
        let of = |seconds| judge("a", "b", Duration::from_secs(seconds)).map(|f| f.severity);
        assert_eq!(of(1), None);
        assert_eq!(of(30), Some(Severity::Warning));
        assert_eq!(of(7_200), Some(Severity::Error));
    }
}
