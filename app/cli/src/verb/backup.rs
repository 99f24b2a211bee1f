//! `weft backup`: writes down what the cluster is begun anew with if its managers are lost.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use weft_api::BackupView;

use super::Outcome;
use crate::failure::Failure;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  weft backup /root/weft-2026-11-29.backup
  weft restore /root/weft-2026-11-29.backup      on a host that takes the lost manager's place

The file holds the cluster's private keys: whoever has it can be any member. It is written for root
alone. Make one after networks or members have changed.";

/// Write the registry and the cluster's keys to a file; on a manager
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Backup {
    /// File to make; there must be none of this name
    file: PathBuf,
}

impl Backup {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let backup = session.ask("back up the cluster", async |c| c.backup().await).await?;
        let what = format!("write {}", self.file.display());
        write(&self.file, &backup.text)
            .map_err(|error| Failure::local(&what, &error, "name a file that is not there yet"))?;
        let BackupView { revision, nodes, networks, confirmed, .. } = backup;
        let value = json!({
            "file": self.file, "revision": revision, "nodes": nodes, "networks": networks,
            "confirmed": confirmed,
        });
        session.output.show(&value, |_paint| told(&self.file, &backup))
    }
}

fn told(file: &Path, backup: &BackupView) -> String {
    let BackupView { revision, nodes, networks, confirmed, .. } = backup;
    let doubt = if *confirmed {
        String::new()
    } else {
        "\nMost managers are away: what they have changed since may be missing.".to_owned()
    };
    format!(
        "{} has {nodes} nodes and {networks} networks, as of revision {revision}.{doubt}\n\
         It holds the cluster's private keys: keep it where nobody else can read it.",
        file.display()
    )
}

/// For root alone from the first byte on, and on the disk when it is done.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_backup_is_for_its_owner_alone_and_replaces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("b");
        write(&file, "secret").unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write(&file, "other").is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "secret");
    }

    #[test]
    fn it_is_told_that_it_holds_secrets_and_whether_it_may_be_old() {
        let backup = |confirmed| BackupView {
            text: "secret".into(),
            revision: 9,
            nodes: 3,
            networks: 2,
            confirmed,
        };
        let file = Path::new("/root/b");
        assert_eq!(
            told(file, &backup(true)),
            "/root/b has 3 nodes and 2 networks, as of revision 9.\n\
             It holds the cluster's private keys: keep it where nobody else can read it."
        );
        assert!(told(file, &backup(false)).contains("Most managers are away"));
        assert!(!format!("{:?}", backup(true)).contains("secret"));
    }
}
