//! What both stores share: requests wait in a queue, and whoever has the disk serves all that wait.
//!
//! Many writers at once thus cost one write to the disk. The order is: the disk, then the ledger,
//! then the watchers, then the answer.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::BoxStream;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use weft_registry::{Change, Committed, LeaseId, Revision, Snapshot, Txn};

use crate::StoreError;
use crate::draft::{Batch, Draft, Reply, Request};
use crate::ledger::Ledger;
use crate::redb::File;
use crate::ticker;
use crate::watcher::Watcher;

/// Where batches go before they count.
#[derive(Debug)]
pub(crate) enum Disk {
    /// Nowhere.
    None,
    /// Into a file.
    File(Box<File>),
    /// Nowhere until there is room again: the file has to be opened anew after a failed write.
    Full(StoreError),
    /// Nowhere any more, since a write has failed.
    Stopped(StoreError),
    /// Nowhere any more, since nobody has the store any more.
    Closed,
}

#[derive(Debug)]
struct Pending {
    request: Request,
    reply: oneshot::Sender<Result<Reply, StoreError>>,
}

/// A store.
#[derive(Debug)]
pub(crate) struct Engine {
    disk: Mutex<Disk>,
    in_memory: bool,
    /// Shared with watchers, which do not keep the file open.
    ledger: Arc<Mutex<Ledger>>,
    queue: Mutex<Vec<Pending>>,
    revision: watch::Sender<Revision>,
    deadline: watch::Sender<Option<Instant>>,
    ticker: OnceLock<()>,
}

impl Engine {
    pub(crate) fn new(disk: Disk, ledger: Ledger) -> Arc<Self> {
        Arc::new(Self {
            in_memory: matches!(disk, Disk::None),
            disk: Mutex::new(disk),
            queue: Mutex::default(),
            revision: watch::Sender::new(ledger.revision),
            deadline: watch::Sender::new(ledger.deadline()),
            ledger: Arc::new(Mutex::new(ledger)),
            ticker: OnceLock::new(),
        })
    }

    pub(crate) fn range(&self, prefix: &str) -> Snapshot {
        locked(&self.ledger).range(prefix)
    }

    pub(crate) fn watch(
        &self,
        prefix: &str,
        after: Revision,
    ) -> Result<BoxStream<'static, Result<Change, StoreError>>, StoreError> {
        let ledger = Arc::clone(&self.ledger);
        Watcher::start(ledger, self.revision.subscribe(), prefix, after)
    }

    pub(crate) fn commit(
        self: &Arc<Self>,
        txn: Txn,
    ) -> BoxFuture<'_, Result<Committed, StoreError>> {
        let reply = self.submit(move |_| Request::Commit(txn));
        async move {
            match reply.await? {
                Reply::Committed(committed) => Ok(committed),
                Reply::Granted(_) | Reply::Done => Err(lost()),
            }
        }
        .boxed()
    }

    pub(crate) fn grant(
        self: &Arc<Self>,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<LeaseId, StoreError>> {
        let reply = self.submit(move |now| Request::Grant { ttl, now });
        async move {
            match reply.await? {
                Reply::Granted(lease) => Ok(lease),
                Reply::Committed(_) | Reply::Done => Err(lost()),
            }
        }
        .boxed()
    }

    pub(crate) fn keep_alive(
        self: &Arc<Self>,
        lease: LeaseId,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.submit(move |now| Request::KeepAlive { lease, now })
            .map(|reply| reply.map(drop))
            .boxed()
    }

    pub(crate) fn revoke(
        self: &Arc<Self>,
        lease: LeaseId,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.submit(move |_| Request::Revoke(lease)).map(|reply| reply.map(drop)).boxed()
    }

    pub(crate) fn expire(self: &Arc<Self>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.submit(|now| Request::Expire { now }).map(|reply| reply.map(drop)).boxed()
    }

    /// Closes the file, after the write that may be under way.
    ///
    /// Threads that found nothing left to serve may still hold the engine for a moment.
    pub(crate) fn close(&self) {
        *self.disk.lock().unwrap_or_else(PoisonError::into_inner) = Disk::Closed;
    }

    async fn submit(
        self: &Arc<Self>,
        request: impl FnOnce(Instant) -> Request,
    ) -> Result<Reply, StoreError> {
        self.ticker.get_or_init(|| ticker::start(self, self.deadline.subscribe()));
        let (reply, answer) = oneshot::channel();
        locked(&self.queue).push(Pending { request: request(Instant::now()), reply });
        if self.in_memory {
            self.serve();
        } else {
            let engine = Arc::clone(self);
            drop(tokio::task::spawn_blocking(move || engine.serve()));
        }
        answer.await.unwrap_or_else(|_closed| Err(lost()))
    }

    /// Serves everything that waits, whoever asked for it.
    fn serve(&self) {
        let Ok(mut disk) = self.disk.lock() else {
            return locked(&self.queue).clear();
        };
        let pending = std::mem::take(&mut *locked(&self.queue));
        if pending.is_empty() {
            return;
        }
        let (requests, replies): (Vec<_>, Vec<_>) =
            pending.into_iter().map(|pending| (pending.request, pending.reply)).unzip();
        let results = self.write(&mut disk, requests);
        for (reply, result) in replies.into_iter().zip(results) {
            drop(reply.send(result));
        }
    }

    fn write(&self, disk: &mut Disk, requests: Vec<Request>) -> Vec<Result<Reply, StoreError>> {
        let asked = requests.len();
        self.reopen(disk);
        let (batch, results) = self.draft(requests);
        let written = match disk {
            Disk::None => Ok(()),
            Disk::File(_) if !batch.is_durable() => Ok(()),
            Disk::File(file) => file.write(&batch),
            Disk::Closed => Err(StoreError::Stopped { cause: "it was closed".into() }),
            Disk::Full(error) => Err(error.clone()),
            Disk::Stopped(error) => Err(StoreError::Stopped { cause: error.to_string() }),
        };
        match written {
            Ok(()) => self.publish(batch),
            Err(error) => {
                if matches!(disk, Disk::File(_)) {
                    tracing::error!(%error, hint = error.hint(), "the store takes no writes: one has failed");
                    *disk = match &error {
                        StoreError::Full { .. } => Disk::Full(error.clone()),
                        _ => Disk::Stopped(error.clone()),
                    };
                }
                return vec![Err(error); asked];
            }
        }
        results
    }

    /// After a full disk the file is opened again, if it is where the ledger is.
    fn reopen(&self, disk: &mut Disk) {
        let Disk::Full(StoreError::Full { path }) = disk else { return };
        match crate::redb::reopen(path) {
            Ok((file, ledger)) if ledger.revision == locked(&self.ledger).revision => {
                tracing::info!(path = %path.display(), "there is room again: the store takes writes");
                *disk = Disk::File(Box::new(file));
            }
            Ok(_other) => {
                let cause = "what was read back is not what was acknowledged".to_owned();
                *disk = Disk::Stopped(StoreError::Corrupt { path: path.clone(), cause });
            }
            Err(StoreError::Full { .. }) => {}
            Err(error) => *disk = Disk::Stopped(error),
        }
    }

    fn draft(&self, requests: Vec<Request>) -> (Batch, Vec<Result<Reply, StoreError>>) {
        let ledger = locked(&self.ledger);
        let mut draft = Draft::new(&ledger);
        let results = requests.into_iter().map(|request| draft.run(request)).collect();
        (draft.finish(), results)
    }

    fn publish(&self, batch: Batch) {
        let mut ledger = locked(&self.ledger);
        ledger.apply(batch);
        let (revision, deadline) = (ledger.revision, ledger.deadline());
        drop(ledger);
        self.revision.send_if_modified(|last| std::mem::replace(last, revision) != revision);
        self.deadline.send_if_modified(|last| std::mem::replace(last, deadline) != deadline);
    }
}

/// Locks what is never left half-changed.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The request was given up: the thread that served it has ended.
fn lost() -> StoreError {
    StoreError::Stopped { cause: "the writer has ended unexpectedly".into() }
}
