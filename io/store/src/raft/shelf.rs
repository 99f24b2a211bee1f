//! What the parts of one manager's store share: its file, its ledger, and who waits for what.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::stream::BoxStream;
use openraft::{Entry, EntryPayload, StoredMembership};
use redb::{Database, WriteTransaction};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use weft_registry::{Change, LeaseId, Revision, Snapshot};

use super::records;
use super::types::{Placed, Types};
use crate::StoreError;
use crate::draft::{Batch, Draft, Reply};
use crate::engine::locked;
use crate::ledger::Ledger;
use crate::redb::{File, clear, explain, put_batch};
use crate::watcher::Watcher;

type Answers = BTreeMap<u64, oneshot::Sender<Result<Reply, StoreError>>>;

/// The order is: the disk, then the ledger, then the watchers, then the answers.
#[derive(Debug)]
pub(crate) struct Shelf {
    file: Mutex<Option<File>>,
    /// The first error of the disk: nothing is written after it.
    failed: Mutex<Option<StoreError>>,
    ledger: Arc<Mutex<Ledger>>,
    placed: Mutex<Placed>,
    waiting: Mutex<Answers>,
    /// Absent once the store is closed, which ends the watches.
    revision: Mutex<Option<watch::Sender<Revision>>>,
    applied: watch::Sender<Option<u64>>,
    deadline: watch::Sender<Option<Instant>>,
}

impl Shelf {
    pub(super) fn new(file: File, ledger: Ledger, placed: Placed) -> Self {
        Self {
            file: Mutex::new(Some(file)),
            failed: Mutex::default(),
            revision: Mutex::new(Some(watch::Sender::new(ledger.revision))),
            deadline: watch::Sender::new(ledger.deadline()),
            applied: watch::Sender::new(placed.log.map(|log| log.index)),
            ledger: Arc::new(Mutex::new(ledger)),
            placed: Mutex::new(placed),
            waiting: Mutex::default(),
        }
    }

    pub(super) fn range(&self, prefix: &str) -> Snapshot {
        locked(&self.ledger).range(prefix)
    }

    pub(super) fn watch(
        &self,
        prefix: &str,
        after: Revision,
    ) -> Result<BoxStream<'static, Result<Change, StoreError>>, StoreError> {
        let Some(revision) = locked(&self.revision).as_ref().map(watch::Sender::subscribe) else {
            return Err(closed());
        };
        Watcher::start(Arc::clone(&self.ledger), revision, prefix, after)
    }

    pub(super) fn placed(&self) -> Placed {
        locked(&self.placed).clone()
    }

    pub(super) fn applied(&self) -> watch::Receiver<Option<u64>> {
        self.applied.subscribe()
    }

    pub(super) fn deadline(&self) -> watch::Receiver<Option<Instant>> {
        self.deadline.subscribe()
    }

    /// Starts the time of a lease, or of all, anew.
    pub(super) fn renew(&self, which: Option<LeaseId>) {
        locked(&self.ledger).renew(which, Instant::now());
        self.tell_deadline();
    }

    pub(super) fn late(&self) -> Vec<LeaseId> {
        locked(&self.ledger).late(Instant::now())
    }

    /// The answer to an entry that is not in the log yet.
    pub(super) fn await_answer(&self, id: u64) -> oneshot::Receiver<Result<Reply, StoreError>> {
        let (reply, answer) = oneshot::channel();
        let mut waiting = locked(&self.waiting);
        waiting.retain(|_id, reply| !reply.is_closed());
        waiting.insert(id, reply);
        answer
    }

    /// Why nothing is written any more.
    pub(super) fn failed(&self) -> Option<StoreError> {
        locked(&self.failed).clone()
    }

    /// Closes the file, after the write that may be under way, and ends the watches.
    pub(super) fn close(&self) {
        drop(locked(&self.file).take());
        drop(locked(&self.revision).take());
    }

    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        self.with_file(|file| read(&file.database))
    }

    pub(super) fn write(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        self.with_file(|file| file.transact(change))
    }

    fn with_file<T>(
        &self,
        work: impl FnOnce(&File) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let file = locked(&self.file);
        let file = file.as_ref().ok_or_else(closed)?;
        if let Some(error) = self.failed() {
            return Err(StoreError::Stopped { cause: error.to_string() });
        }
        work(file).map_err(|error| {
            let error = explain(&file.path, error);
            tracing::error!(%error, hint = error.hint(), "this manager stops: its disk has failed");
            *locked(&self.failed) = Some(error.clone());
            error
        })
    }

    /// Does what the entries say, entirely or not at all.
    pub(super) fn apply(&self, entries: Vec<Entry<Types>>) -> Result<(), StoreError> {
        let (batch, placed, answers) = self.draft(entries);
        self.write(|transaction| {
            put_batch(transaction, &batch)?;
            records::put(transaction, records::APPLIED, &placed)
        })?;
        locked(&self.ledger).apply(batch);
        self.tell(placed);
        for (id, answer) in answers {
            let waiting = locked(&self.waiting).remove(&id);
            // Nobody waits for what another manager asked for, or for what was given up.
            drop(waiting.map(|reply| reply.send(answer)));
        }
        Ok(())
    }

    fn draft(&self, entries: Vec<Entry<Types>>) -> (Batch, Placed, Vec<Answered>) {
        let mut placed = self.placed();
        let ledger = locked(&self.ledger);
        let mut draft = Draft::new(&ledger);
        let mut answers = Vec::new();
        for Entry { log_id, payload } in entries {
            placed.log = Some(log_id);
            match payload {
                EntryPayload::Blank => {}
                EntryPayload::Normal(asked) if !placed.is_first(asked.id) => {}
                EntryPayload::Normal(asked) => {
                    answers.push((asked.id, draft.run(asked.wish.at(Instant::now()))));
                }
                EntryPayload::Membership(membership) => {
                    placed.membership = StoredMembership::new(Some(log_id), membership);
                }
            }
        }
        (draft.finish(), placed, answers)
    }

    /// Takes another manager's state for its own.
    pub(super) fn replace(&self, ledger: Ledger, placed: Placed) -> Result<(), StoreError> {
        self.write(|transaction| {
            clear(transaction)?;
            put_batch(transaction, &ledger.to_batch())?;
            records::put(transaction, records::APPLIED, &placed)
        })?;
        *locked(&self.ledger) = ledger;
        self.tell(placed);
        Ok(())
    }

    /// One look at everything.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Ledger, &Placed) -> T) -> T {
        let placed = locked(&self.placed);
        look(&locked(&self.ledger), &placed)
    }

    fn tell(&self, placed: Placed) {
        let revision = locked(&self.ledger).revision;
        let applied = placed.log.map(|log| log.index);
        *locked(&self.placed) = placed;
        if let Some(told) = locked(&self.revision).as_ref() {
            told.send_if_modified(|last| std::mem::replace(last, revision) != revision);
        }
        self.applied.send_replace(applied);
        self.tell_deadline();
    }

    fn tell_deadline(&self) {
        let deadline = locked(&self.ledger).deadline();
        self.deadline.send_if_modified(|last| std::mem::replace(last, deadline) != deadline);
    }
}

type Answered = (u64, Result<Reply, StoreError>);

fn closed() -> StoreError {
    StoreError::Stopped { cause: "it was closed".into() }
}
