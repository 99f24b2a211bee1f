//! Whether the kernel is left alone for a while, because a person wants to look at it as it is.

use tokio::sync::watch;
use weft_api::{ApiProblem, ProblemKind};

use crate::problem::problem;

/// A switch; clones are the same one. It is off when the agent starts.
#[derive(Clone, Debug)]
pub(crate) struct Pause(watch::Sender<bool>);

impl Default for Pause {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Pause {
    /// Turns it.
    pub(crate) fn set(&self, paused: bool) {
        if self.0.send_replace(paused) != paused {
            tracing::warn!(paused, "reconciling was paused or resumed");
        }
    }

    /// Whether nothing may be mended now.
    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is turned.
    pub(crate) fn turns(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }
}

/// Why a workload gets no port now.
pub(crate) fn paused() -> ApiProblem {
    problem(
        ProblemKind::Unavailable,
        "reconciling is paused on this host, so its kernel is left as it is",
        "weft reconcile resume",
    )
}
