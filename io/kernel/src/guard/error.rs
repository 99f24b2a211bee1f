//! What can fail at the guard.

use std::error::Error;
use std::io;

use super::clsact::Occupied;

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
        let causes = std::iter::successors(self.source(), |&cause| cause.source());
        if causes.filter_map(|cause| cause.downcast_ref()).any(is_occupied) {
            return "see whose it is with `tc filter show dev INTERFACE ingress`, and give it a larger \
                    number: tc filter ... pref 10";
        }
        "see the kernel's log for what it has against the program; the guard needs Linux 6.1, \
         CONFIG_BPF_SYSCALL and root's rights, and before Linux 6.6 the modules sch_ingress and cls_bpf; \
         until it stands, the table `inet weft` does"
    }
}

/// Why a row was not written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    /// There is no room for it.
    #[error("the table of {table} is full, with {most} rows")]
    Full { table: &'static str, most: u64 },
    /// Something else.
    #[error("the kernel refuses at the table of {table}")]
    Refused {
        table: &'static str,
        #[source]
        source: io::Error,
    },
}

fn is_occupied(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<Occupied>)
}

/// Says what was tried.
pub(super) fn failed<E: Into<Box<dyn Error + Send + Sync>>>(
    what: impl Into<String>,
) -> impl FnOnce(E) -> GuardError {
    let what = what.into();
    move |source| GuardError { what, source: source.into() }
}
