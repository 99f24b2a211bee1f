//! Whether the Engine's API answers at present.
//!
//! While dockerd starts it restarts containers before it answers anybody: its socket accepts, and
//! every question then costs its whole deadline in the middle of a container's start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The watcher tells, the drivers ask. Shared: cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Presence(Arc<AtomicBool>);

impl Presence {
    /// The Engine's events are, or are no longer, followed.
    pub(crate) fn set(&self, answers: bool) {
        // Nothing else is published by this: a late reader only waits a little longer or shorter.
        self.0.store(answers, Ordering::Relaxed);
    }

    /// Whether a question will be answered soon.
    pub(crate) fn answers(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
