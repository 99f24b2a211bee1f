//! The node's certificate: others refuse the node before its first moment and after its last.

use std::time::Duration;

use crate::{Check, Finding, Severity};

/// When a certificate begins, is to be renewed, and ends; all count from 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its first moment.
    pub from: Duration,
    /// When the next one is asked for: half of its life is over then.
    pub renew_at: Duration,
    /// Its last moment.
    pub until: Duration,
}

const REFUSED: &str =
    "other nodes refuse this one: its names vanish there, and it hears of no change";
const CLOCK: &str = "set this host's clock: `timedatectl set-ntp true`, and compare `date -u` with \
    another host's; it is told by the clocks that differ who is wrong";
const RENEWAL: &str = "it is renewed by itself as soon as a manager answers: see that one runs \
    (`weft node ls`), and that the clock is right (`timedatectl`)";

/// Judges the certificate that a node shows.
#[must_use]
pub fn judge(host: &str, certificate: &Certificate, now: Duration) -> Option<Finding> {
    let Certificate { from, renew_at, until } = *certificate;
    let tell = |severity, [what, why, remedy]: [String; 3]| {
        Some(Finding::new(severity, Check::Certificate, host, [what, why, remedy]))
    };
    if now < from {
        let early = spoken(from.saturating_sub(now));
        let what = format!("the node's certificate is not good before {early} from now");
        return tell(Severity::Error, [what, REFUSED.to_owned(), CLOCK.to_owned()]);
    }
    if now >= until {
        let what = "the node's certificate has run out".to_owned();
        return tell(Severity::Error, [what, REFUSED.to_owned(), RENEWAL.to_owned()]);
    }
    // A renewal may be under way: it is late when a tenth of what is left at first is gone.
    let late = now.checked_sub(renew_at)?;
    let left = until.saturating_sub(now);
    if late < until.saturating_sub(renew_at) / 10 {
        return None;
    }
    let what = format!("the node's certificate runs out in {}", spoken(left));
    let why =
        format!("it should have been renewed {} ago; when it has run out, {REFUSED}", spoken(late));
    tell(Severity::Warning, [what, why, RENEWAL.to_owned()])
}

/// In the unit that leaves a number somebody reads at once.
fn spoken(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: u64 = 1_000 * 24;

    fn hours(hours: u64) -> Duration {
        Duration::from_secs(hours * 3600)
    }

    fn of(now: Duration) -> Option<(Severity, String)> {
        let certificate = Certificate {
            from: hours(MADE - 1),
            renew_at: hours(MADE + 24),
            until: hours(MADE + 48),
        };
        judge("a", &certificate, now).map(|found| (found.severity, found.what))
    }

    #[test]
    fn a_certificate_that_is_renewed_in_time_is_healthy() {
        for after in [0, 23, 24, 26] {
            assert_eq!(of(hours(MADE + after)), None, "{after} h");
        }
    }

    #[test]
    fn a_certificate_is_told_of_before_its_beginning_and_around_its_end() {
        let said =
            |severity, what: &str| Some((severity, format!("the node's certificate {what}")));
        let late = of(hours(MADE + 27));
        assert_eq!(late, said(Severity::Warning, "runs out in 21 h"));
        let soon = of(hours(MADE + 48).checked_sub(Duration::from_secs(90)).unwrap());
        assert_eq!(soon, said(Severity::Warning, "runs out in 90 s"));
        assert_eq!(of(hours(MADE + 48)), said(Severity::Error, "has run out"));
        let early = of(hours(MADE - 3));
        assert_eq!(early, said(Severity::Error, "is not good before 2 h from now"));
    }

    #[test]
    fn what_to_type_depends_on_who_is_to_blame() {
        let certificate = Certificate { from: hours(10), renew_at: hours(20), until: hours(30) };
        let early = judge("a", &certificate, hours(5)).unwrap();
        assert!(early.remedy.contains("timedatectl set-ntp"), "{early:?}");
        let late = judge("a", &certificate, hours(25)).unwrap();
        assert!(late.remedy.contains("weft node ls"), "{late:?}");
        assert!(late.why.contains("renewed 5 h ago"), "{late:?}");
    }
}
