//! For how long a certificate is good, and when the next one is due.

use std::time::{Duration, SystemTime};

use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::authority::CLOCK_SKEW;
use crate::name::NotANode;

/// When a certificate begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Its first moment: an hour before it was made.
    pub from: SystemTime,
    /// Its last second.
    pub until: SystemTime,
}

impl Validity {
    /// That of a certificate (DER).
    ///
    /// # Errors
    ///
    /// If it is no certificate.
    pub fn of(certificate: &[u8]) -> Result<Self, NotANode> {
        let (_rest, parsed) =
            X509Certificate::from_der(certificate).map_err(|_unreadable| NotANode::Unreadable)?;
        let at = |time: x509_parser::time::ASN1Time| {
            let seconds = u64::try_from(time.timestamp()).unwrap_or_default();
            SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
        };
        let validity = parsed.validity();
        Ok(Self { from: at(validity.not_before), until: at(validity.not_after) })
    }

    /// How long it is good for, counted from when it was made.
    #[must_use]
    pub fn life(&self) -> Duration {
        let made = self.from + CLOCK_SKEW;
        self.until.duration_since(made).unwrap_or_default()
    }

    /// When the next one is to be asked for: when half of its life is over, so that as long as it
    /// has lived managers may be away without any node being refused.
    #[must_use]
    pub fn renew_at(&self) -> SystemTime {
        self.until.checked_sub(self.life() / 2).unwrap_or(self.until)
    }

    /// Whether it is good already: one that was made by a clock that was ahead is not.
    #[must_use]
    pub fn has_begun(&self, now: SystemTime) -> bool {
        self.from <= now
    }

    /// Whether it is over: it is good for the whole of its last second (RFC 5280 §4.1.2.5).
    #[must_use]
    pub fn has_ended(&self, now: SystemTime) -> bool {
        self.until + Duration::from_secs(1) <= now
    }
}

#[cfg(test)]
mod tests {
    use weft_model::{NodeId, Role};

    use super::*;
    use crate::{Authority, NodeKey};

    #[test]
    fn the_next_certificate_is_due_when_half_of_the_life_is_over() {
        let authority = Authority::create("c1").unwrap();
        let request = NodeKey::generate().unwrap().request().unwrap();
        let life = Duration::from_secs(48 * 3600);
        let before = SystemTime::now();
        let chain = authority.sign(&request, NodeId::from_random(7), Role::Worker, life).unwrap();
        let validity = Validity::of(&chain[0]).unwrap();
        assert_eq!(validity.life(), life);
        let due = validity.renew_at().duration_since(before).unwrap();
        assert!(due.abs_diff(life / 2) < Duration::from_secs(5), "{due:?}");
        assert!(before.duration_since(validity.from).unwrap() > Duration::from_secs(3590));
        assert!(validity.has_begun(before) && !validity.has_begun(before - 2 * CLOCK_SKEW));
        assert!(!validity.has_ended(validity.until + Duration::from_millis(999)));
        assert!(validity.has_ended(validity.until + Duration::from_secs(1)));
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        assert_eq!(Validity::of(b"x"), Err(NotANode::Unreadable));
    }
}
