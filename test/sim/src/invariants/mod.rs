//! What must never happen, one file each, and what must be true when nothing is wrong any more.

mod agreement;
mod kept_word;
mod no_resurrection;
mod one_lease;
mod own_networks;
mod right_owner;

use std::fmt;

pub(crate) use agreement::disagreement;
pub(crate) use kept_word::KeptWord;
pub(crate) use no_resurrection::NoResurrection;
pub(crate) use one_lease::OneLease;
pub(crate) use own_networks::OwnNetworks;
pub(crate) use right_owner::RightOwner;

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant, as a sentence.
    pub what: &'static str,
    /// Who and where.
    pub details: String,
}

impl Violation {
    pub(crate) const fn new(what: &'static str, details: String) -> Self {
        Self { what, details }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.details)
    }
}
