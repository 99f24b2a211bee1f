//! A host that is a member: all its tasks, wired together in one place.

mod claim_again;
mod claim_ahead;
mod first;
mod found;
mod give_back;
mod moved;
mod peers;
mod seek;
mod start;
mod stores;
mod surroundings;
mod take_back;
mod tear_down;
mod underlay;
mod watch_namespaces;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use weft_docker::ClusterNetworks;
use weft_identity::Validity;
use weft_model::Node;
use weft_transport::MeshHandle;

use crate::fabric::Fabric;
use crate::inspect::Inspector;
use crate::office::Tenure;
use crate::reconcile::Reconciled;

pub(crate) use found::{found, join, token_hash};
pub(crate) use start::start;
pub(crate) use surroundings::Surroundings;
pub(crate) use take_back::take_back;

/// The running membership; dropping it ends its tasks and leaves the kernel as it is.
#[derive(Debug)]
pub(crate) struct Member {
    /// This host, as it joined.
    pub(crate) node: Node,
    /// What it can do.
    pub(crate) fabric: Fabric,
    /// Whether this host is a manager.
    pub(crate) tenure: Tenure,
    /// How far the kernel is.
    pub(crate) reconciled: watch::Receiver<Option<Reconciled>>,
    /// Asks nodes about themselves.
    pub(crate) inspector: Inspector,
    clock: watch::Receiver<Option<i64>>,
    mesh: MeshHandle,
    networks: watch::Receiver<ClusterNetworks>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl Member {
    /// Ends all tasks and waits until they have ended; the data plane goes on.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.mesh.close().await;
        self.tasks.close();
        self.tasks.wait().await;
        self.tenure.close().await;
    }

    /// Tells the mirror of the cluster's networks until the membership ends: Docker is to make copies of
    /// them, and asks for them whoever is the member then.
    pub(crate) fn show_networks(&self, to: watch::Sender<ClusterNetworks>) {
        let (mut networks, stop) = (self.networks.clone(), self.stop.clone());
        networks.mark_changed();
        self.tasks.spawn(stop.run_until_cancelled_owned(async move {
            while networks.changed().await.is_ok() {
                to.send_replace(networks.borrow_and_update().clone());
            }
        }));
    }

    /// For how long this node's certificate is good.
    pub(crate) fn certificate(&self) -> Option<Validity> {
        crate::certificate::validity(&self.inspector.desk().own.borrow())
    }

    /// How many microseconds this host's clock is ahead of the managers', if one has answered lately.
    pub(crate) fn clock_ahead(&self) -> Option<i64> {
        *self.clock.borrow()
    }

    /// How far the kernel is.
    pub(crate) fn last_pass(&self) -> Option<Reconciled> {
        self.reconciled.borrow().clone()
    }
}
