//! Why the state directory is of no use.

use std::io;
use std::path::{Path, PathBuf};

/// Why the state directory is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiskError {
    /// A file could not be read or written.
    #[error("{what} {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A member's file is not there.
    #[error("the state file {path} is missing")]
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// The file is there, but is not what was written.
    #[error("the state file {path} is damaged")]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// Where reading stopped.
        #[source]
        source: serde_json::Error,
    },
}

impl DiskError {
    /// What a person may try.
    #[must_use]
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Corrupt { path, .. } => format!(
                "it was left as it is; restore it from a backup, or move it away (`mv {0} {0}.damaged`) \
                 and let this host join the cluster again",
                path.display()
            ),
            Self::Missing { path } => {
                let dir = path.parent().unwrap_or(path).display();
                format!(
                    "restore it from a backup, or move all state away (`mv {dir} {dir}.damaged`) and \
                     let this host join the cluster again"
                )
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "run the agent as root".to_owned()
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "make room on that disk, and try again".to_owned()
            }
            Self::Io { path, .. } => format!("check the disk and the rights of {}", path.display()),
        }
    }
}

/// For a call that failed.
pub(super) fn failed(what: &'static str, path: &Path, source: io::Error) -> DiskError {
    DiskError::Io { what, path: path.to_owned(), source }
}
