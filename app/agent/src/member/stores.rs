//! What the disk remembers, opened in the order in which it is needed.

use std::sync::Arc;

use tokio::sync::watch;
use weft_model::Node;
use weft_registry::{Entry, Key, Snapshot, View};
use weft_store::{Redb, Store, StoreError};

use super::Surroundings;
use crate::disk::{Disk, DiskError, Membership};
use crate::local::{Local, Remembered};
use crate::office::{Held, MeshLinks, Premises};
use crate::problem::{Told, chain};
use crate::registry::{InUse, managers};

/// Everything that was on disk.
#[derive(Debug)]
pub(super) struct Stores {
    /// What this host has.
    pub(super) local: Local,
    /// What it had when the agent ended.
    pub(super) remembered: Remembered,
    /// On managers: the office.
    pub(super) held: Held,
    /// Where offices are opened.
    pub(super) premises: Premises,
    /// Where the manager learns who has endpoints.
    pub(super) in_use: watch::Sender<Arc<InUse>>,
    /// The registry as far as it is known.
    pub(super) view: View,
}

impl Stores {
    /// Opens all of them.
    pub(super) async fn open(
        around: &Surroundings,
        membership: &Membership,
    ) -> anyhow::Result<Self> {
        let disk = &around.disk;
        let local: Arc<dyn Store> = Arc::new(Redb::open(&disk.local_store())?);
        let local = Local::new(local);
        let remembered = local.begin().await.map_err(Told)?;
        let (in_use, in_use_seen) = watch::channel(Arc::default());
        let premises = Premises {
            me: membership.node.id,
            cluster: membership.cluster.clone(),
            etcd: around.options.etcd.clone(),
            disk: disk.clone(),
            links: MeshLinks::default(),
            in_use: in_use_seen,
        };
        let cached = cached(disk, membership)?;
        let held = hold(&premises, membership, &cached).await?;
        let view = match &held {
            Held::Yes(office) => match office.backing().raft() {
                Some(raft) => newest(View::from_snapshot(&raft.known("/"))?, cached),
                None => cached,
            },
            Held::No | Held::Lost { .. } | Held::Closed { .. } => cached,
        };
        Ok(Self { local, remembered, held, premises, in_use, view })
    }
}

/// Opens the office of a manager. One whose file is of no use does not vote, and is told how it may
/// again; the only manager has nobody to learn the registry from, so it does not start.
async fn hold(premises: &Premises, membership: &Membership, cached: &View) -> anyhow::Result<Held> {
    let Some(pem) = &membership.authority_pem else { return Ok(Held::No) };
    if membership.etcd.is_some() {
        // A crash may have come between the note and this; and nobody waits for etcd here.
        premises.disk.set_aside_manager_store()?;
        return Ok(Held::Closed { reason: NOT_ASKED.to_owned(), hint: SOON.to_owned() });
    }
    let opened = match premises.disk.must_have_manager_store() {
        Ok(()) => premises.open(pem).await,
        Err(missing) => Err(missing.into()),
    };
    match opened {
        Ok(office) => Ok(Held::Yes(office)),
        Err(error) if is_lost(&error) && !managers(cached.nodes(), premises.me).is_empty() => {
            let reason = chain(error.as_ref()).join(": ");
            tracing::error!(reason, "this manager does not vote: its file is of no use");
            Ok(Held::Lost { reason })
        }
        Err(error) => Err(error),
    }
}

const NOT_ASKED: &str = "etcd, which keeps the registry, was not asked yet";
const SOON: &str = "look again in a moment";

fn is_lost(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StoreError::Corrupt { .. }))
        || matches!(error.downcast_ref(), Some(DiskError::Missing { .. }))
}

/// A manager that was away may know less than it has heard from others, and one that is new nothing.
fn newest(own: View, cached: View) -> View {
    if own.cluster().is_none() || cached.revision() > own.revision() { cached } else { own }
}

/// The registry as it was last heard of. A cache that is of no use costs a node only what a manager
/// will tell it again.
fn cached(disk: &Disk, membership: &Membership) -> anyhow::Result<View> {
    match disk.registry() {
        Ok(cached) => {
            let view = cached.map(|cached| cached.view()).transpose();
            match view {
                Ok(Some(view)) => return Ok(view),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "the cached registry is ignored: asking a manager");
                }
            }
        }
        Err(error) => {
            let why = chain(&error).join(": ");
            tracing::warn!(error = why, "the cached registry is ignored: asking a manager");
        }
    }
    Ok(View::from_snapshot(&managers_alone(&membership.managers)?)?)
}

/// As much of a registry as it takes to ask for the rest.
fn managers_alone(managers: &[Node]) -> anyhow::Result<Snapshot> {
    let entry = |node: &Node| {
        let (key, value) = (Key::Node(node.id).to_string(), serde_json::to_vec(node)?);
        anyhow::Ok(Entry { key, value, modified: 0 })
    };
    let entries = managers.iter().map(entry).collect::<anyhow::Result<_>>()?;
    Ok(Snapshot { revision: 0, entries })
}
