//! The last changes, in memory: every watch of this manager is told from here, and etcd tells
//! each change once a manager.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::BoxStream;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use weft_registry::{Change, Revision};

use crate::StoreError;
use crate::draft::Batch;
use crate::engine::locked;
use crate::ledger::{HISTORY, Ledger};
use crate::watcher::Watcher;

/// A change that has not come by watch after so long is asked for in another way.
const LATE: Duration = Duration::from_secs(1);

/// Changes since some revision; it holds no entries.
#[derive(Debug)]
pub(super) struct Tail {
    ledger: Arc<Mutex<Ledger>>,
    /// Absent once the store is closed, which ends the watches.
    told: Mutex<Option<watch::Sender<Revision>>>,
    /// Why there are no more changes.
    ended: Mutex<Option<StoreError>>,
    late: Notify,
}

impl Tail {
    /// Knows nothing of what was before `revision`.
    pub(super) fn new(revision: Revision) -> Self {
        let ledger = Ledger { revision, compacted: revision, ..Ledger::default() };
        Self {
            ledger: Arc::new(Mutex::new(ledger)),
            told: Mutex::new(Some(watch::Sender::new(revision))),
            ended: Mutex::default(),
            late: Notify::new(),
        }
    }

    /// The revision of the last change.
    pub(super) fn revision(&self) -> Revision {
        locked(&self.ledger).revision
    }

    pub(super) fn watch(
        &self,
        prefix: &str,
        after: Revision,
    ) -> Result<BoxStream<'static, Result<Change, StoreError>>, StoreError> {
        let told = self.subscribe().ok_or_else(|| self.why())?;
        Watcher::start(Arc::clone(&self.ledger), told, prefix, after)
    }

    /// Takes in whole commits, in order; nothing once it has ended.
    pub(super) fn append(&self, changes: Vec<Change>) {
        let Some(revision) = changes.last().map(|change| change.revision) else { return };
        let mut ledger = locked(&self.ledger);
        if self.goes_on().is_err() {
            return;
        }
        let surplus = (ledger.log.len() + changes.len()).saturating_sub(HISTORY);
        let forgotten = surplus.checked_sub(1);
        let forgotten = forgotten.and_then(|last| ledger.log.iter().chain(&changes).nth(last));
        let compacted = forgotten.map_or(ledger.compacted, |change| change.revision);
        let last_lease = ledger.last_lease;
        ledger.apply(Batch { revision, compacted, last_lease, changes, ..Batch::default() });
        drop(ledger);
        self.tell(revision);
    }

    /// Changes up to this revision were missed: who waits for them is told so.
    pub(super) fn skip_to(&self, revision: Revision) {
        let last_lease = locked(&self.ledger).last_lease;
        let gap = Batch { revision, compacted: revision, last_lease, ..Batch::default() };
        locked(&self.ledger).apply(gap);
        self.tell(revision);
    }

    /// Ends all watches: no change from now on is told.
    pub(super) fn end(&self, why: StoreError) {
        let ledger = locked(&self.ledger);
        *locked(&self.ended) = Some(why);
        drop(ledger);
        drop(locked(&self.told).take());
    }

    /// Whether it goes on.
    pub(super) fn goes_on(&self) -> Result<(), StoreError> {
        locked(&self.ended).clone().map_or(Ok(()), Err)
    }

    /// Waits until all up to a revision is told here, but not for long.
    pub(super) async fn reach(&self, revision: Revision) {
        let Some(mut told) = self.subscribe() else { return };
        if timeout(LATE, told.wait_for(|told| *told >= revision)).await.is_err() {
            self.late.notify_one();
        }
    }

    /// Returns when changes are overdue.
    pub(super) async fn is_late(&self) {
        self.late.notified().await;
    }

    fn subscribe(&self) -> Option<watch::Receiver<Revision>> {
        locked(&self.told).as_ref().map(watch::Sender::subscribe)
    }

    fn tell(&self, revision: Revision) {
        if let Some(told) = locked(&self.told).as_ref() {
            told.send_replace(revision);
        }
    }

    fn why(&self) -> StoreError {
        let closed = || StoreError::Stopped { cause: "it was closed".into() };
        locked(&self.ended).clone().unwrap_or_else(closed)
    }
}

#[cfg(test)]
mod tests {
    use futures::stream::StreamExt;

    use super::*;

    fn change(revision: Revision) -> Change {
        Change { revision, key: "/a".into(), value: None }
    }

    #[tokio::test]
    async fn a_gap_is_told_to_those_that_wait_and_to_those_that_come() {
        let tail = Tail::new(10);
        assert!(tail.watch("", 9).is_err(), "what was before is not known");
        let mut watch = tail.watch("", 10).unwrap();
        tail.append(vec![change(11)]);
        assert_eq!(watch.next().await, Some(Ok(change(11))));
        tail.skip_to(20);
        let gap = StoreError::Compacted { oldest: 20 };
        assert_eq!(watch.next().await, Some(Err(gap.clone())));
        assert_eq!(tail.watch("", 11).err(), Some(gap));
        assert!(tail.watch("", 20).is_ok());
    }

    #[tokio::test]
    async fn what_is_too_much_is_forgotten_by_whole_commits() {
        let tail = Tail::new(0);
        tail.append((0..HISTORY).map(|_| change(1)).collect());
        tail.append(vec![change(2)]);
        assert_eq!(tail.watch("", 0).err(), Some(StoreError::Compacted { oldest: 1 }));
        assert_eq!(tail.watch("", 1).unwrap().next().await, Some(Ok(change(2))));
        tail.end(StoreError::Unsettled);
        assert_eq!(tail.watch("", 1).err(), Some(StoreError::Unsettled));
    }
}
