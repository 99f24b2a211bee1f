//! `weft store`: where the registry is kept.

use clap::Subcommand;
use weft_api::{StoreKind, StoreMove, StoreView};

use super::Outcome;
use crate::etcd::{self, EtcdFiles, Place};
use crate::failure::Failure;
use crate::paint::{Paint, Tone};
use crate::session::Session;
use crate::sheet::Sheet;

const EXAMPLES: &str = "\
Examples:
  weft store show
  weft store move --to etcd=https://192.0.2.1:2379 --etcd-ca ca.pem --etcd-cert weft.pem --etcd-key weft.key

A move takes a second or two, in which nothing can be made or changed; what runs goes on. All managers
follow by themselves; each must reach the etcd. The way back is a backup: weft restore --help.";

/// Show where the registry is kept, or move it into an etcd
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Store {
    /// Show where it is kept
    Show,
    /// Move it from the managers' disks into an etcd; on a manager
    Move {
        /// The etcd: etcd=URL[,URL…]
        #[arg(long, value_name = "STORE", value_parser = etcd::parse_store)]
        to: Place,
        #[command(flatten)]
        etcd: EtcdFiles,
    },
}

impl Store {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let store = match self {
            Self::Show => session.ask("read the store", async |c| c.store().await).await?,
            Self::Move { to, etcd } => {
                let embedded = || {
                    let why = "it moves into an etcd only";
                    Failure::usage(
                        "move the registry",
                        why,
                        "for the way back: weft restore --help",
                    )
                };
                let etcd = etcd.choice(to)?.ok_or_else(embedded)?;
                let to = StoreMove { etcd };
                session.ask("move the registry", async |c| c.move_store(&to).await).await?
            }
        };
        session.output.show(&store, |paint| sheet(&store, paint))
    }
}

/// Where it is, in a few words.
pub(super) fn told(store: &StoreView) -> (Tone, String) {
    match store.kind {
        StoreKind::Embedded => (Tone::Good, "on the managers' disks".to_owned()),
        StoreKind::Moving => {
            let text = "moving into an etcd: it is not changed meanwhile";
            (Tone::Wary, text.to_owned())
        }
        StoreKind::Etcd if store.endpoints.is_empty() => {
            (Tone::Good, "in an etcd, which the managers ask".to_owned())
        }
        StoreKind::Etcd => {
            let prefix = store.prefix.as_deref().unwrap_or_default();
            (Tone::Good, format!("in etcd {} under {prefix}", store.endpoints.join(", ")))
        }
    }
}

fn sheet(store: &StoreView, paint: Paint) -> String {
    let mut sheet = Sheet::new(paint);
    let (tone, text) = told(store);
    sheet.toned("Registry", tone, text);
    sheet.line("Revision", store.revision);
    sheet.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_registry_is_can_be_read() {
        let etcd = StoreView {
            kind: StoreKind::Etcd,
            endpoints: vec!["https://192.0.2.1:2379".into()],
            prefix: Some("/weft".into()),
            revision: 7,
        };
        let text = sheet(&etcd, Paint::Plain);
        assert!(text.contains("in etcd https://192.0.2.1:2379 under /weft"), "{text}");
        let worker = StoreView { endpoints: vec![], prefix: None, ..etcd };
        assert!(sheet(&worker, Paint::Plain).contains("which the managers ask"));
        let text = sheet(&StoreView::default(), Paint::Plain);
        assert!(text.contains("on the managers' disks"), "{text}");
    }
}
