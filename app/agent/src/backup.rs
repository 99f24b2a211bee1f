//! What a cluster is begun anew with when its managers are lost: a file of two lines.
//!
//! The first tells what it is and has the second one's hash; the second has a manager's membership, with
//! all keys, and the registry.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use weft_registry::{Snapshot, View};

use crate::disk::Membership;
use crate::told::rfc3339;

/// The version of the form.
const FORMAT: u32 = 1;
/// For whoever opens the file to see what it is.
const WARNING: &str = "this file holds the cluster's private keys: treat it as you treat them";

/// A manager and the registry, as they were at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Backup {
    /// The manager that made it.
    pub(crate) membership: Membership,
    /// What should exist.
    pub(crate) registry: Snapshot,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    #[serde(rename = "weft-backup")]
    format: u32,
    cluster: String,
    made: Option<String>,
    warning: String,
    sha256: String,
}

/// Why a file cannot be restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    /// It is something else.
    #[error("this file is no backup of a cluster")]
    None,
    /// It is of a form that this version does not know.
    #[error("the backup has form {0}, this version of Weft knows {FORMAT} only")]
    Format(u32),
    /// It is not what was written.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
}

impl BackupError {
    /// What to try.
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::None => "take a file that `weft backup` has written",
            Self::Format(_) => "install the version of Weft that wrote it, or a newer one",
            Self::Damaged(_) => "take another copy, or an older backup",
        }
    }
}

impl Backup {
    /// The file's text.
    ///
    /// # Errors
    ///
    /// None that is known: these types always write.
    pub(crate) fn to_text(&self) -> Result<String, serde_json::Error> {
        let body = serde_json::to_string(self)?;
        let head = Head {
            format: FORMAT,
            cluster: self.membership.cluster.clone(),
            made: rfc3339(SystemTime::now()),
            warning: WARNING.to_owned(),
            sha256: weft_identity::hash(&body),
        };
        Ok(format!("{}\n{body}\n", serde_json::to_string(&head)?))
    }

    /// Reads such a text, and the registry in it.
    ///
    /// # Errors
    ///
    /// [`BackupError`] if it is none, or not whole.
    pub(crate) fn from_text(text: &str) -> Result<(Self, View), BackupError> {
        let (head, body) = text.split_once('\n').ok_or(BackupError::None)?;
        let head: Head = serde_json::from_str(head).map_err(|_other| BackupError::None)?;
        if head.format != FORMAT {
            return Err(BackupError::Format(head.format));
        }
        let body = body.trim_end_matches('\n');
        if !weft_identity::same(&weft_identity::hash(body), &head.sha256) {
            return Err(BackupError::Damaged("its hash is another".to_owned()));
        }
        let backup: Self =
            serde_json::from_str(body).map_err(|e| BackupError::Damaged(e.to_string()))?;
        let view = View::from_snapshot(&backup.registry);
        let view = view.map_err(|error| BackupError::Damaged(error.to_string()))?;
        Ok((backup, view))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup() -> Backup {
        let membership = serde_json::json!({
            "cluster": "c", "key_pem": "k", "chain_pem": "", "ca_pem": "", "authority_pem": "a",
            "node": {
                "id": "00000000000000000000000000000001", "key": format!("04{}", "ab".repeat(64)),
                "name": "n1", "role": "manager",
                "vtep": "192.0.2.1", "control": "192.0.2.1:4788",
            },
        });
        Backup {
            membership: serde_json::from_value(membership).unwrap(),
            registry: Snapshot { revision: 7, entries: Vec::new() },
        }
    }

    #[test]
    fn a_backup_reads_back_as_it_was_written_and_warns_whoever_opens_it() {
        let text = backup().to_text().unwrap();
        let (read, view) = Backup::from_text(&text).unwrap();
        assert_eq!((read.registry.revision, view.revision()), (7, 7));
        assert_eq!(read.membership.authority_pem.as_deref(), Some("a"));
        assert!(text.lines().next().unwrap().contains("private keys"), "{text}");
    }

    #[test]
    fn what_is_no_backup_or_not_whole_is_told() {
        let text = backup().to_text().unwrap();
        let bent = text.replace("\"revision\":7", "\"revision\":8");
        assert!(matches!(Backup::from_text(&bent), Err(BackupError::Damaged(_))));
        let cut = &text[..text.len() - 5];
        assert!(matches!(Backup::from_text(cut), Err(BackupError::Damaged(_))));
        for other in ["", "{}\n{}\n", "garbage\n"] {
            assert!(matches!(Backup::from_text(other), Err(BackupError::None)), "{other}");
        }
        let later = text.replacen("\"weft-backup\":1", "\"weft-backup\":2", 1);
        assert!(matches!(Backup::from_text(&later), Err(BackupError::Format(2))));
    }
}
