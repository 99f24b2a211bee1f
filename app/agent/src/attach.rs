//! How the guard's programs get to interfaces.

use clap::ValueEnum;
use serde::Deserialize;
use weft_kernel::{Attachment, Linux};

/// What the daemon is told of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attach {
    /// By TCX where the kernel has it (Linux 6.6 and later), else by clsact
    #[default]
    Auto,
    /// By TCX
    Tcx,
    /// As first filter of a clsact queue discipline
    Clsact,
}

impl Attach {
    /// The kernel with its programs attached as it was told.
    pub(crate) fn to(self, kernel: Linux) -> Linux {
        match self {
            Self::Auto => kernel,
            Self::Tcx => kernel.attaching_by(Attachment::Tcx),
            Self::Clsact => kernel.attaching_by(Attachment::Clsact),
        }
    }
}
