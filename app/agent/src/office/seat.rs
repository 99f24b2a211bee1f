//! Keeps this node's seat among the managers in line with its role in the registry.
//!
//! ```text
//!            role: manager                    the others let it vote
//!   no seat ---------------> key, empty file -----------------------> votes
//!      ^                                                                |
//!      +--------- file and key are gone <------- dismissed <------------+  role: worker
//! ```
//!
//! The leader takes the vote of whoever is no manager; a manager gives its file up only when one that
//! has a majority says that its seat is gone.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use weft_model::{NodeId, Role};
use weft_registry::{Keeping, View};
use weft_store::{Raft, StoreError};
use weft_transport::MeshHandle;

use super::authority::{Deed, ask_authority, resign};
use super::moving::take_up;
use super::{Held, Office, Premises, Tenure, left_behind};
use crate::problem::chain;
use crate::registry::{Followed, managers};

/// How often the seat is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How often the others are asked whether this node has a seat.
const ASK: Duration = Duration::from_secs(5);

/// The one task that changes a [`Tenure`].
#[derive(Debug)]
pub(crate) struct SeatKeeper {
    /// Where offices are opened.
    pub(crate) premises: Premises,
    /// What it changes.
    pub(crate) tenure: Tenure,
    /// The other managers.
    pub(crate) mesh: MeshHandle,
    /// What this node is to be.
    pub(crate) followed: watch::Receiver<Followed>,
}

impl SeatKeeper {
    /// Runs until the membership ends.
    pub(crate) async fn run(mut self) {
        let mut next_question = Instant::now() + ASK;
        loop {
            let known = self.followed.borrow_and_update().clone();
            let role = known.view.node(self.premises.me).map(|node| node.role);
            let role = role.filter(|_role| known.is_fresh());
            match (self.tenure.held(), role) {
                (Held::No, Some(Role::Manager)) => self.take(&known.view).await,
                (Held::Lost { .. } | Held::Closed { .. }, Some(Role::Worker)) => {
                    self.give_up(None).await;
                }
                (Held::Closed { .. }, _) => self.open_etcd().await,
                (Held::Yes(office), role) => {
                    let due = Instant::now() >= next_question;
                    if due {
                        next_question = Instant::now() + ASK;
                    }
                    self.keep(office, role, &known.view, due).await;
                }
                (Held::No | Held::Lost { .. }, _) => {}
            }
            tokio::select! {
                changed = self.followed.changed() => if changed.is_err() { return },
                () = sleep(LOOK) => {}
            }
        }
    }

    pub(super) fn others(&self, view: &View) -> Vec<NodeId> {
        managers(view.nodes(), self.premises.me)
    }

    /// Gets the key, makes an empty file, and asks for a seat.
    async fn take(&self, view: &View) {
        let others = self.others(view);
        let Some(cluster) = view.cluster() else { return };
        let wanted = (cluster.ca_pem.as_str(), cluster.keeping);
        let Some(deed) = ask_authority(&self.mesh, &others, wanted).await else { return };
        match self.enlist(&deed).await {
            Ok(office) => {
                self.tenure.set(Held::Yes(office.clone()));
                if let Some(raft) = office.backing().raft() {
                    ask_for_seat(raft, &others).await;
                }
            }
            Err(error) => {
                let error = chain(error.as_ref()).join(": ");
                tracing::error!(error, "this node cannot be a manager yet");
            }
        }
    }

    async fn enlist(&self, deed: &Deed) -> anyhow::Result<Office> {
        let (disk, pem) = (&self.premises.disk, deed.pem.0.as_str());
        if let Some(etcd) = &deed.etcd {
            let office = self.premises.open_etcd(pem, etcd).await?;
            take_up(disk, deed)?;
            return Ok(office);
        }
        // One that a crash left behind has never voted: the key is kept before it may.
        disk.clear_manager_store()?;
        Raft::enlist(&disk.manager_store())?;
        disk.amend(|membership| membership.authority_pem = Some(pem.to_owned()))?;
        self.premises.open(pem).await
    }

    async fn keep(&self, office: Office, role: Option<Role>, view: &View, due: bool) {
        let backing = office.backing();
        let Some(raft) = backing.raft() else {
            return self.keep_in_etcd(office, role, due).await;
        };
        if view.cluster().is_some_and(|cluster| cluster.keeping != Keeping::Managers) {
            self.follow_to_etcd(&office, view).await;
        }
        if let Some(StoreError::Full { .. }) = raft.stopped() {
            return self.open_anew(&office).await;
        }
        let standing = raft.standing();
        let others = self.others(view);
        if due {
            self.knock(view).await;
        }
        dismiss_strangers(&office, raft, view).await;
        let was_seated = !standing.voters.is_empty();
        let asks = due || role == Some(Role::Worker) || (was_seated && !standing.votes);
        if was_seated && asks && raft.is_dismissed(&others).await {
            return self.give_up(Some(office)).await;
        }
        if role == Some(Role::Manager) && !standing.votes {
            ask_for_seat(raft, &others).await;
        }
    }

    /// A manager that was left behind asks the etcd no more; who is followed then says what this node is.
    async fn keep_in_etcd(&self, office: Office, role: Option<Role>, due: bool) {
        if role == Some(Role::Worker) {
            return self.give_up(Some(office)).await;
        }
        if due && self.is_left_behind(&office, Duration::ZERO).await {
            tracing::warn!(hint = left_behind::HINT, "{}", left_behind::REASON);
            office.backing().close().await;
            self.tenure.set(left_behind::held());
        }
    }

    /// A manager that was restored elsewhere is not found by those who are to dial it.
    async fn knock(&self, view: &View) {
        for node in view.nodes().keys().filter(|node| **node != self.premises.me) {
            self.mesh.knock(*node).await;
        }
    }

    /// After a disk that was full: the file is read again, as after a crash.
    async fn open_anew(&self, office: &Office) {
        office.backing().close().await;
        match self.premises.open(&office.admission.authority().pem()).await {
            Ok(office) => {
                tracing::info!("this manager goes on: there is room on its disk again");
                self.tenure.set(Held::Yes(office));
            }
            Err(error) => {
                let error = chain(error.as_ref()).join(": ");
                tracing::debug!(error, "this manager does not go on yet");
            }
        }
    }

    async fn give_up(&self, office: Option<Office>) {
        self.tenure.set(Held::No);
        if let Some(office) = office {
            office.backing().close().await;
        }
        match resign(&self.premises.disk) {
            Ok(()) => tracing::info!("this node gave back its seat among the managers"),
            Err(error) => {
                tracing::error!(%error, hint = error.hint(), "the CA's key is still here");
            }
        }
    }
}

async fn ask_for_seat(raft: &Raft, others: &[NodeId]) {
    match raft.take_seat(others).await {
        Ok(()) => tracing::info!("this node votes among the managers"),
        Err(error) => tracing::debug!(%error, "no seat among the managers yet"),
    }
}

/// The leader takes the votes of nodes that are no managers any more.
async fn dismiss_strangers(office: &Office, raft: &Raft, seen: &View) {
    let standing = raft.standing();
    let strangers = |view: &View| {
        let manages = |node: &NodeId| view.node(*node).is_some_and(|n| n.role == Role::Manager);
        standing.voters.iter().any(|node| !manages(node))
    };
    if !standing.majority || !strangers(seen) {
        return;
    }
    // What was seen may be old: a seat that was just given must not be taken.
    let Ok(registry) = office.manager.store().range("/node/").await else { return };
    let Ok(view) = View::from_snapshot(&registry) else { return };
    if strangers(&view) {
        let nodes = view.nodes().values().filter(|node| node.role == Role::Manager);
        let managers: BTreeSet<NodeId> = nodes.map(|node| node.id).collect();
        raft.keep_only(&managers).await;
    }
}
