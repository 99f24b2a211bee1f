//! What can go wrong with a store, and what to do about it.

use std::path::PathBuf;

use weft_registry::{LeaseId, Revision};

use crate::EtcdFault;

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The changes asked for are forgotten.
    #[error("changes are known after revision {oldest} only")]
    Compacted {
        /// The oldest revision that can be watched from.
        oldest: Revision,
    },
    /// The lease ran out, was revoked or never granted. Nothing has changed.
    #[error("there is no lease {}: it ran out or was revoked", .0.0)]
    NoSuchLease(LeaseId),
    /// The file is damaged, or none of ours. Nothing was written to it.
    #[error("the state file {} is damaged: {cause}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// How it shows.
        cause: String,
    },
    /// A newer version wrote the file.
    #[error("the state file {} has format {found}, this version of Weft knows {known} only", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// This version's format.
        known: u64,
    },
    /// There is no room on the disk.
    #[error("no space is left on the disk for the state file {}", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The file is open elsewhere.
    #[error("the state file {} is in use by another process", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file or its directory may not be read and written.
    #[error("the state file {} may not be opened for reading and writing", path.display())]
    NoPermission {
        /// The file.
        path: PathBuf,
    },
    /// The operating system failed in another way.
    #[error("the state file {} cannot be used: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: String,
    },
    /// Too few managers answer. Nothing was changed.
    #[error(
        "no majority of the managers answers: what should exist can be neither read afresh nor changed"
    )]
    NoMajority,
    /// Who keeps the store was lost between the question and the answer.
    #[error("it is not known whether the change was made: no answer came in time")]
    Unsettled,
    /// An etcd keeps the store, and something is wrong with it.
    #[error(transparent)]
    Etcd(EtcdFault),
    /// An earlier write failed; nothing is written any more.
    #[error("the store accepts no more writes since one has failed: {cause}")]
    Stopped {
        /// The earlier error.
        cause: String,
    },
}

impl StoreError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Compacted { .. } => "read everything again, then watch from that revision".into(),
            Self::NoSuchLease(_) => "ask for a new lease".into(),
            Self::Corrupt { path, .. } => {
                let directory = path.parent().unwrap_or(path).display();
                format!(
                    "it was left as it is; stop weft, then restore it from a backup, or move all state \
                     away (`mv {directory} {directory}.damaged`) and join the cluster again"
                )
            }
            Self::Format { .. } => {
                "install the version of Weft that wrote it, or a newer one".into()
            }
            Self::Full { path } => {
                format!("make room on that disk (`df {}`), and try again", path.display())
            }
            Self::Locked { path } => {
                format!(
                    "is weft running twice? `fuser {}` tells which process has it",
                    path.display()
                )
            }
            Self::NoPermission { path } => {
                format!("run weft as root, or look at `ls -ld {}`", path.display())
            }
            Self::Io { .. } => "look at the disk (`dmesg`), then restart weft".into(),
            Self::NoMajority => "running workloads go on, and new ones start while this host's address \
                 blocks last; start the managers that are away (`weft node ls`), or, if most of them \
                 are gone for good, make one that is left the only one: `weft recover`"
                .into(),
            Self::Etcd(fault) => fault.hint(),
            Self::Unsettled => "look whether it is done before you try again".into(),
            Self::Stopped { .. } => {
                "what was acknowledged is safe; mend the cause, then restart weft".into()
            }
        }
    }
}
