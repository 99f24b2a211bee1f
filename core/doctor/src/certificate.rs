//! The node's certificate: others refuse the node once it has run out.

use std::time::Duration;

use crate::{Check, Finding, Severity};

/// With less than this left somebody should look: of 48 h, renewal is due when 24 h are left.
const SOON: Duration = Duration::from_secs(12 * 3600);

/// Judges a certificate that is good until `until`; both times count from the same moment.
#[must_use]
pub fn judge(host: &str, until: Duration, now: Duration) -> Option<Finding> {
    let left = until.saturating_sub(now);
    let (severity, what) = match left.as_secs() / 3600 {
        0 if left.is_zero() => (Severity::Error, "the node's certificate has run out".to_owned()),
        hours if left < SOON => {
            (Severity::Warning, format!("the node's certificate runs out in {hours} hours"))
        }
        _ => return None,
    };
    let why = "other nodes refuse a node whose certificate has run out".to_owned();
    let remedy = "it is renewed by itself as soon as a manager answers: see that one runs (`weft node \
        ls`), and that the clock is right (`timedatectl`)";
    Some(Finding::new(severity, Check::Certificate, host, [what, why, remedy.to_owned()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_told_of_before_and_after_its_end() {
        let now = Duration::from_secs(1_000 * 86_400);
        let of = |hours: u64| judge("a", Duration::from_secs(hours * 3600), now);
        assert_eq!(of(24_048), None);
        assert_eq!(of(24_003).unwrap().severity, Severity::Warning);
        assert_eq!(of(23_999).unwrap().severity, Severity::Error);
    }
}
