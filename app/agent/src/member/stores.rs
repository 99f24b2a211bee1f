//! What the disk remembers, opened in the order in which it is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::watch;
use weft_model::{NetworkId, Node, NodeId};
use weft_registry::{Entry, Key, Snapshot, View};
use weft_store::{Redb, Store};

use crate::disk::{Disk, Membership};
use crate::local::{Local, Remembered};
use crate::problem::Told;
use crate::registry::{Keeper, Manager};

/// Who has endpoints where: the manager asks before it ends a network.
type InUse = watch::Sender<Arc<BTreeMap<NetworkId, BTreeSet<NodeId>>>>;

/// Everything that was on disk.
#[derive(Debug)]
pub(super) struct Stores {
    /// What this host has.
    pub(super) local: Local,
    /// What it had when the agent ended.
    pub(super) remembered: Remembered,
    /// On managers: the registry, and the task that writes it.
    pub(super) manager: Option<(Manager, Keeper)>,
    /// Where the manager learns who has endpoints.
    pub(super) in_use: InUse,
    /// The registry as far as it is known.
    pub(super) view: View,
}

impl Stores {
    /// Opens all of them.
    pub(super) async fn open(disk: &Disk, membership: &Membership) -> anyhow::Result<Self> {
        let local: Arc<dyn Store> = Arc::new(Redb::open(&disk.local_store())?);
        let local = Local::new(local);
        let remembered = local.begin().await.map_err(Told)?;
        let (in_use, in_use_seen) = watch::channel(Arc::default());
        let manager = match &membership.authority_pem {
            None => None,
            Some(_pem) => {
                let store: Arc<dyn Store> = Arc::new(Redb::open(&disk.manager_store())?);
                Some(Manager::open(store, in_use_seen).await?)
            }
        };
        let writer = manager.as_ref().map(|(manager, _keeper)| manager);
        let view = first_view(disk, writer, membership).await?;
        Ok(Self { local, remembered, manager, in_use, view })
    }
}

/// The registry at the start. A cache that is of no use costs a worker only what a manager will
/// tell it again.
async fn first_view(
    disk: &Disk,
    manager: Option<&Manager>,
    membership: &Membership,
) -> anyhow::Result<View> {
    if let Some(manager) = manager {
        return Ok(View::from_snapshot(&manager.store().range("/").await?)?);
    }
    match disk.registry() {
        Ok(cached) => {
            let view = cached.as_ref().map(View::from_snapshot).transpose();
            match view {
                Ok(Some(view)) => return Ok(view),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "the cached registry is ignored: asking a manager");
                }
            }
        }
        Err(error) => {
            let why = crate::problem::chain(&error).join(": ");
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
