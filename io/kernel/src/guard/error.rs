//! What can fail at the guard.

use std::error::Error;

use super::table::TableError;

/// Why the guard does not stand as it should.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct GuardError {
    what: String,
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

impl GuardError {
    /// What to try.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        if let Some(TableError::Full { .. }) = self.source.downcast_ref() {
            return "start the agent with --table-rows and a larger number: containers go on as they \
                    are, and no packet is lost; weft_table_rows tells how full each table is";
        }
        "see the kernel's log for what it has against the program; the guard needs Linux 6.6, \
         CONFIG_BPF_SYSCALL and root's rights; until it stands, the table `inet weft` does"
    }
}

/// Says what was tried.
pub(super) fn failed<E: Into<Box<dyn Error + Send + Sync>>>(
    what: impl Into<String>,
) -> impl FnOnce(E) -> GuardError {
    let what = what.into();
    move |source| GuardError { what, source: source.into() }
}
