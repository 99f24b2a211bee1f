//! Every node's side: a view of the registry that is as fresh as a manager can make it.
//!
//! A node follows one manager that a majority stands behind, and moves on to the next one as soon as
//! that one falls silent.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use weft_model::NodeId;
use weft_registry::{Change, View, generation};
use weft_transport::{MeshHandle, WatchItem};

use super::{Followed, managers, stream};
use crate::disk::Cache;
use crate::office::Tenure;

/// Pause between two rounds in which no manager confirmed.
const PAUSE: Duration = Duration::from_millis(250);
/// A manager says that it is there a few times in this time.
const SILENCE: Duration = Duration::from_millis(1_200);
/// How long the first word may take, which may be the whole registry: twice as long after each round.
const FIRST: Duration = Duration::from_secs(2);
const LONGEST_FIRST: Duration = Duration::from_secs(16);
/// Items of a manager's stream that wait to be taken in.
const QUEUE: usize = 256;

/// Follows the managers.
#[derive(Debug)]
pub(crate) struct Follower {
    /// This node.
    pub(crate) me: NodeId,
    /// Whether it is a manager itself.
    pub(crate) tenure: Tenure,
    /// The ways to the others.
    pub(crate) mesh: MeshHandle,
    /// Where the registry is kept for starts without managers.
    pub(crate) cache: Cache,
    /// Where it is told.
    pub(crate) out: watch::Sender<Followed>,
}

impl Follower {
    /// Runs for as long as anybody listens.
    ///
    /// Changes arrive in order and without gaps; after a gap the whole registry comes anew.
    pub(crate) async fn run(mut self) {
        let mut patience = FIRST;
        let mut last = None;
        while !self.out.is_closed() {
            let mut reached = false;
            let mut confirmed = false;
            for manager in self.candidates(last) {
                let Some(items) = self.subscribe(manager).await else { continue };
                reached = true;
                confirmed = self.listen(manager, items, patience).await;
                if confirmed {
                    last = Some(manager);
                    break;
                }
            }
            if confirmed {
                patience = FIRST;
                continue;
            }
            last = None;
            patience = if reached { (patience * 2).min(LONGEST_FIRST) } else { FIRST };
            self.out.send_if_modified(|known| {
                std::mem::replace(&mut known.reached, reached) != reached
            });
            sleep(PAUSE).await;
        }
    }

    /// Whom to ask, the best first: this node itself, then the others, each node in another order so
    /// that they share the work. Who was just lost comes last.
    fn candidates(&self, lost: Option<NodeId>) -> Vec<NodeId> {
        let number = |id: &NodeId| u128::from_be_bytes(id.to_bytes());
        let mut others = managers(self.out.borrow().view.nodes(), self.me);
        others.sort_by_key(|id| number(id) ^ number(&self.me));
        let own = self.tenure.office().map(|_office| self.me);
        let mut all: Vec<NodeId> = own.into_iter().chain(others).collect();
        all.sort_by_key(|id| Some(*id) == lost);
        all
    }

    async fn subscribe(&self, manager: NodeId) -> Option<mpsc::Receiver<WatchItem>> {
        let after = self.out.borrow().view.revision();
        if manager == self.me {
            let manager = self.tenure.office()?.manager;
            let (sender, items) = mpsc::channel(QUEUE);
            tokio::spawn(stream(manager.store(), manager.backing(), after, sender));
            return Some(items);
        }
        match self.mesh.watch(manager, after).await {
            Ok(items) => Some(items),
            Err(error) => {
                tracing::debug!(node = %manager, %error, "manager not reached");
                None
            }
        }
    }

    /// Takes in what a manager tells until it falls silent; says whether it has ever confirmed.
    async fn listen(
        &mut self,
        manager: NodeId,
        mut items: mpsc::Receiver<WatchItem>,
        first: Duration,
    ) -> bool {
        let mut confirmed = false;
        let mut patience = first;
        while let Ok(Some(item)) = timeout(patience, items.recv()).await {
            // What came while the last change was written down is taken in at once, and written once.
            let all: Vec<WatchItem> =
                std::iter::once(item).chain(std::iter::from_fn(|| items.try_recv().ok())).collect();
            let leader = all.iter().rev().find_map(|item| match item {
                WatchItem::Confirmed { leader } => Some(*leader),
                WatchItem::Snapshot(_) | WatchItem::Changes(_) => None,
            });
            if !self.take(all) {
                break;
            }
            if let Some(leader) = leader {
                confirmed = true;
                self.confirm(manager, leader);
            }
            patience = if confirmed { SILENCE } else { first };
        }
        if confirmed {
            tracing::debug!(node = %manager, "the manager that was followed is lost");
            self.out.send_modify(|known| {
                (known.from, known.leader, known.since) = (None, None, Instant::now());
            });
        }
        confirmed
    }

    fn confirm(&self, manager: NodeId, leader: Option<NodeId>) {
        self.out.send_if_modified(|known| {
            let differs = known.from != Some(manager) || known.leader != leader;
            if known.from != Some(manager) {
                known.since = Instant::now();
            }
            (known.from, known.leader, known.reached) = (Some(manager), leader, true);
            differs
        });
    }

    /// Takes in what has changed, and writes it down before it is told; says whether the stream is still
    /// of use.
    fn take(&mut self, items: Vec<WatchItem>) -> bool {
        let view = Arc::clone(&self.out.borrow().view);
        let changes = changes(&items);
        match after(&view, items) {
            Ok(None) => true,
            Ok(Some(view)) => {
                self.keep(&view, changes.as_deref());
                self.out.send_modify(|known| known.view = Arc::new(view));
                true
            }
            Err(error) => {
                tracing::error!(error, "a manager tells what this node cannot follow");
                false
            }
        }
    }

    /// A failure to cache costs only the start without managers: it is told, not fatal.
    fn keep(&mut self, view: &View, changes: Option<&[Change]>) {
        if let Err(error) = self.cache.keep(view, changes) {
            tracing::warn!(error = %error, hint = error.hint(), "the registry could not be cached");
        }
    }
}

/// All changes that items tell of; none if one tells the whole registry.
fn changes(items: &[WatchItem]) -> Option<Vec<Change>> {
    let mut all = Vec::new();
    for item in items {
        match item {
            WatchItem::Confirmed { .. } => {}
            WatchItem::Changes(changes) => all.extend_from_slice(changes),
            WatchItem::Snapshot(_) => return None,
        }
    }
    Some(all)
}

/// The view after some items; none if they say nothing about it.
fn after(view: &View, items: Vec<WatchItem>) -> Result<Option<View>, String> {
    items.into_iter().try_fold(None, |latest: Option<View>, item| {
        let newer = next(latest.as_ref().unwrap_or(view), item)?;
        Ok(newer.or(latest))
    })
}

/// The view after an item; none if it says nothing about it.
fn next(view: &View, item: WatchItem) -> Result<Option<View>, String> {
    match item {
        WatchItem::Confirmed { .. } => Ok(None),
        WatchItem::Snapshot(snapshot) => {
            if generation(snapshot.revision) < generation(view.revision()) {
                return Err(
                    "its registry is one that was left behind by `weft recover` or `weft restore`"
                        .into(),
                );
            }
            View::from_snapshot(&snapshot).map(Some).map_err(|error| error.to_string())
        }
        WatchItem::Changes(changes) => {
            let mut view = view.clone();
            let applied = changes.iter().try_for_each(|change| view.apply(change));
            applied.map(|()| Some(view)).map_err(|error| error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use weft_registry::Snapshot;

    use super::*;

    #[test]
    fn a_registry_that_was_left_behind_is_not_followed() {
        let at = |revision| Snapshot { revision, entries: Vec::new() };
        let view = View::from_snapshot(&at(3 << 32)).unwrap();
        assert!(next(&view, WatchItem::Snapshot(at(9))).is_err());
        let confirmed = WatchItem::Confirmed { leader: None };
        assert!(after(&view, vec![confirmed.clone(), confirmed.clone()]).unwrap().is_none());
        let items = vec![WatchItem::Snapshot(at((3 << 32) + 1)), confirmed];
        let newer = after(&view, items).unwrap().unwrap();
        assert_eq!(newer.revision(), (3 << 32) + 1);
    }
}
