//! What goes wrong in a lab, told so that a person knows what to try.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// A lab operation that failed: what, why, and what to try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{what}: {why}")]
pub struct LabError {
    what: String,
    why: String,
    hint: String,
}

impl LabError {
    /// Says what failed, why, and what to try.
    pub fn new(what: impl Display, why: impl Display, hint: impl Display) -> Self {
        Self { what: what.to_string(), why: why.to_string(), hint: hint.to_string() }
    }

    /// What a person can try next.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

/// Turns any error into a [`LabError`] at the place where the operation is known.
pub(crate) trait OrHint<T> {
    /// Names the operation and what to try.
    fn or_hint(self, what: impl Display, hint: impl Display) -> Result<T, LabError>;
}

impl<T, E: Display> OrHint<T> for Result<T, E> {
    fn or_hint(self, what: impl Display, hint: impl Display) -> Result<T, LabError> {
        self.map_err(|error| LabError::new(what, error, hint))
    }
}

/// What to try when namespaces, mounts or links cannot be made.
pub(crate) const NEED_ROOT: &str =
    "run as root (sudo) on a kernel with network, mount, PID, UTS and IPC namespaces";
/// What to try when a lab does not answer.
pub(crate) const TRY_DOWN: &str = "see `weft lab ls`; `weft lab down` clears what is left of a lab";
