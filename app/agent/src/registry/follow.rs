//! Every node's side: a view of the registry that is as fresh as a manager can make it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use weft_model::{NodeId, Role};
use weft_registry::{Snapshot, View};
use weft_transport::{MeshHandle, WatchItem};

use super::{Manager, stream};
use crate::disk::Disk;

/// Pause between two attempts to reach a manager.
const PAUSE: Duration = Duration::from_millis(250);
/// Items of a manager's stream that wait to be taken in.
const QUEUE: usize = 256;

/// The registry as this node knows it.
#[derive(Clone, Debug)]
pub(crate) struct Followed {
    /// What it says.
    pub view: Arc<View>,
    /// Whether a manager confirms it at this moment.
    pub fresh: bool,
}

/// Follows a manager for as long as anybody listens.
///
/// Changes arrive in order and without gaps; after a gap the whole registry comes anew.
pub(crate) async fn follow(
    me: NodeId,
    manager: Option<Manager>,
    mesh: MeshHandle,
    disk: Disk,
    out: watch::Sender<Followed>,
) {
    while !out.is_closed() {
        if let Some(mut items) = subscribe(me, manager.as_ref(), &mesh, &out).await {
            out.send_if_modified(|known| !std::mem::replace(&mut known.fresh, true));
            while let Some(item) = items.recv().await {
                if !take(item, &out, &disk) {
                    break;
                }
            }
        }
        out.send_if_modified(|known| std::mem::replace(&mut known.fresh, false));
        tokio::time::sleep(PAUSE).await;
    }
}

async fn subscribe(
    me: NodeId,
    manager: Option<&Manager>,
    mesh: &MeshHandle,
    out: &watch::Sender<Followed>,
) -> Option<mpsc::Receiver<WatchItem>> {
    let (after, managers) = {
        let known = out.borrow();
        (known.view.revision(), managers(known.view.nodes(), me))
    };
    if let Some(manager) = manager {
        let (sender, items) = mpsc::channel(QUEUE);
        tokio::spawn(stream(manager.store(), after, sender));
        return Some(items);
    }
    for id in managers {
        match mesh.watch(id, after).await {
            Ok(items) => return Some(items),
            Err(error) => tracing::debug!(node = %id, error = %error, "manager not reached"),
        }
    }
    None
}

/// The managers other than this node.
pub(super) fn managers(nodes: &BTreeMap<NodeId, weft_model::Node>, me: NodeId) -> Vec<NodeId> {
    let others = nodes.values().filter(|node| node.role == Role::Manager && node.id != me);
    others.map(|node| node.id).collect()
}

/// Takes one item in; says whether the stream is still of use.
fn take(item: WatchItem, out: &watch::Sender<Followed>, disk: &Disk) -> bool {
    let next = match item {
        WatchItem::Snapshot(snapshot) => View::from_snapshot(&snapshot).map_err(|e| e.to_string()),
        WatchItem::Changes(changes) => {
            let mut view = View::clone(&out.borrow().view);
            let applied = changes.iter().try_for_each(|change| view.apply(change));
            applied.map(|()| view).map_err(|e| e.to_string())
        }
    };
    match next {
        Ok(view) => {
            keep(disk, &view.to_snapshot());
            out.send_replace(Followed { view: Arc::new(view), fresh: true });
            true
        }
        Err(error) => {
            tracing::error!(error, "the registry says what this version does not understand");
            false
        }
    }
}

/// A failure to cache costs only the start without managers: it is told, not fatal.
fn keep(disk: &Disk, snapshot: &Snapshot) {
    if let Err(error) = disk.remember(snapshot) {
        tracing::warn!(error = %error, hint = error.hint(), "the registry could not be cached");
    }
}
