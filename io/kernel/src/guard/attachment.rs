//! How programs get to interfaces.

use std::fmt;
use std::io;

use aya::programs::{ProgramError, SchedClassifier, TcAttachType};

use crate::Netns;

/// How the guard's programs are attached to interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// By TCX, in the first place (Linux 6.6 and later).
    Tcx,
    /// As the first filter of a clsact queue discipline.
    Clsact,
}

impl Attachment {
    /// The better of what this kernel has.
    #[must_use]
    pub fn best(host: &Netns) -> Self {
        match host.run(|| SchedClassifier::query_tcx("lo", TcAttachType::Ingress)) {
            Ok(Err(ProgramError::SyscallError(refused)))
                if refused.io_error.kind() == io::ErrorKind::InvalidInput =>
            {
                Self::Clsact
            }
            // Who may not ask may not attach either, and is told so then.
            _ => Self::Tcx,
        }
    }
}

impl fmt::Display for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcx => "tcx",
            Self::Clsact => "clsact",
        })
    }
}
