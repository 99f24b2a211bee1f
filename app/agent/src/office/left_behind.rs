//! A manager whose registry is in an etcd learns that the cluster went on elsewhere: `weft recover` or
//! `weft restore` on another manager began a registry of a later generation, and an etcd that did not answer
//! then knows nothing of it.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};
use weft_model::NodeId;
use weft_registry::{Revision, Succession, View, succession};
use weft_transport::{MeshHandle, WatchItem};

use super::seat::SeatKeeper;
use super::{Held, Office};
use crate::registry::managers;

/// How long one manager may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a manager that starts waits for the others' answers; those that are away must not keep it.
pub(super) const AT_START: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

/// How the office of such a manager stands.
pub(super) fn held() -> Held {
    Held::Closed { reason: REASON.to_owned(), hint: HINT.to_owned() }
}

pub(super) const REASON: &str =
    "the cluster goes on with a registry elsewhere, by `weft recover` or `weft restore`";
pub(super) const HINT: &str =
    "this host becomes a worker by itself; make it a manager again: weft node promote";

impl SeatKeeper {
    /// Whether another manager has a later generation of the registry than the etcd of `office`. Who does not
    /// answer is asked again for so long.
    pub(super) async fn is_left_behind(&self, office: &Office, wait: Duration) -> bool {
        let Ok(held) = office.manager.store().range("/node/").await else { return false };
        let Ok(view) = View::from_snapshot(&held) else { return false };
        let (others, until) = (managers(view.nodes(), self.premises.me), Instant::now() + wait);
        loop {
            let asked = others.iter().map(|other| known_to(&self.mesh, *other, held.revision));
            match succession(held.revision, &join_all(asked).await) {
                Succession::LeftBehind => return true,
                Succession::Latest => return false,
                Succession::Open if Instant::now() >= until => return false,
                Succession::Open => sleep(PAUSE).await,
            }
        }
    }
}

/// The revision of the registry that a manager confirms, 0 if it confirms none; nothing if it does not answer.
async fn known_to(mesh: &MeshHandle, manager: NodeId, after: Revision) -> Option<Revision> {
    let asked = async { Some(mesh.watch(manager, after).await.ok()?.recv().await) };
    match timeout(PATIENCE, asked).await.ok()?? {
        Some(WatchItem::Snapshot(registry)) => Some(registry.revision),
        // It goes on from there.
        Some(WatchItem::Changes(_) | WatchItem::Confirmed { .. }) => Some(after),
        None => Some(0),
    }
}
