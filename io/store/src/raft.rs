//! The store of several managers: one log, agreed on by a majority, and the same state on each.
//!
//! The rules are those of the single store: what is acknowledged is on disks, here those of a majority;
//! a file that is damaged is told and left alone. A manager whose disk has failed does nothing any
//! more: it must not vote about what it may have lost. One that has lost its file joins anew, under
//! another [seat](types::SeatId).
//!
//! Any manager can be read, written and watched: it asks the leader, and answers from its own
//! state once that is as new as the leader's was.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::BoxStream;
use openraft::storage::RaftLogStorage as _;
use openraft::{Config, SnapshotPolicy, StorageError};
use tokio::task::AbortHandle;
use weft_model::NodeId;
use weft_registry::{Change, Committed, LeaseId, Revision, Snapshot, Txn};

mod found;
mod image;
mod lapse;
mod links;
mod log;
mod machine;
mod message;
mod propose;
mod records;
mod seats;
mod shelf;
mod standing;
mod types;

pub use links::{Asker, LinkError, Links};
pub use standing::Standing;

use crate::draft::Reply;
use crate::{Store, StoreError};
use log::{Log, blocking};
use machine::Machine;
use message::{Answer, Ask, Message, decode, encode};
use shelf::Shelf;
use types::{SeatId, Types, Wish};

/// A leader is heard from this often.
const HEARTBEAT_MS: u64 = 150;
/// One that was not heard from for the longer one and something in between is replaced.
const ELECTION_MS: (u64, u64) = (400, 650);
/// So many entries make a snapshot worth its while.
const SNAPSHOT_AFTER: u64 = 1_024;
/// So many of them stay in the log, for those who are a little behind.
const KEPT: u64 = 256;
/// A snapshot travels in pieces of this size, which JSON makes some four times as large.
const PIECE: u64 = 1 << 20;
const PIECE_MS: u64 = 5_000;

/// One manager of a replicated store.
#[derive(Clone, Debug)]
pub struct Raft(Arc<Handle>);

/// The file is open for as long as this lives.
#[derive(Debug)]
struct Handle(Arc<Open>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.shelf.close();
        if let Some(task) = self.0.lapsing.get() {
            task.abort();
        }
    }
}

/// What all tasks of a manager share.
struct Open {
    raft: openraft::Raft<Types>,
    shelf: Arc<Shelf>,
    links: Arc<dyn Links>,
    seat: SeatId,
    /// The last entry of the log as it was opened. Who leads again at once, in the term that it led
    /// before, may have acknowledged up to here and applied less: reads wait for it.
    opened_at: Option<u64>,
    /// Raft takes one change of its members at a time.
    changing: tokio::sync::Mutex<()>,
    lapsing: OnceLock<AbortHandle>,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("seat", &self.seat).finish_non_exhaustive()
    }
}

impl Raft {
    /// Makes a file for a manager that the others have to let in: [`Self::take_seat`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it cannot be made.
    pub fn enlist(path: &Path) -> Result<(), StoreError> {
        found::enlist(path)
    }

    /// Makes the manager of a file the only one: for when most managers are gone for good. The store
    /// must not be open.
    ///
    /// Nothing that was acknowledged is lost if this manager's file has it; which of several
    /// files has most, [`Self::open`] and a look tell.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the file cannot be read or written.
    pub fn recover(path: &Path, node: NodeId) -> Result<(), StoreError> {
        found::recover(path, node)
    }

    /// Opens a manager's file. That of a [`crate::Redb`], or none, becomes the file of the only manager.
    ///
    /// # Errors
    ///
    /// [`StoreError`] tells what is wrong with the file. A damaged file is never mended or replaced.
    pub async fn open(
        path: &Path,
        node: NodeId,
        links: Arc<dyn Links>,
    ) -> Result<Self, StoreError> {
        let path = path.to_owned();
        let (seat, shelf) = blocking(move || found::open(&path, node)).await?;
        let shelf = Arc::new(shelf);
        let failed = |error: StorageError<SeatId>| StoreError::Stopped { cause: error.to_string() };
        let log = Log(Arc::clone(&shelf)).get_log_state().await.map_err(failed)?;
        let opened_at = log.last_log_id.map(|log| log.index);
        let raft = openraft::Raft::new(
            seat,
            Arc::new(config()),
            links::Network(Arc::clone(&links)),
            Log(Arc::clone(&shelf)),
            Machine::new(Arc::clone(&shelf)),
        );
        let raft = raft.await.map_err(|error| StoreError::Stopped { cause: error.to_string() })?;
        let only = shelf.placed().membership.voter_ids().eq([seat]);
        if only {
            // Nobody else can lead: there is nothing to wait for. If it fails, the timer does it.
            drop(raft.trigger().elect().await);
        }
        let (changing, lapsing) = (tokio::sync::Mutex::default(), OnceLock::new());
        let open = Arc::new(Open { raft, shelf, links, seat, opened_at, changing, lapsing });
        let task = tokio::spawn(lapse::lapse(Arc::downgrade(&open)));
        open.lapsing.get_or_init(|| task.abort_handle());
        Ok(Self(Arc::new(Handle(open))))
    }

    /// What the file of a manager holds that is not open: perhaps less than its log.
    ///
    /// # Errors
    ///
    /// [`StoreError`] tells what is wrong with the file.
    pub fn peek(path: &Path) -> Result<Snapshot, StoreError> {
        found::peek(path)
    }

    /// Makes the file of a cluster's only manager from a registry that was kept elsewhere.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it cannot be made.
    pub fn restore(path: &Path, node: NodeId, registry: &Snapshot) -> Result<(), StoreError> {
        found::restore(path, node, registry)
    }

    /// Answers another manager.
    pub async fn serve(&self, from: Asker, message: &[u8]) -> Vec<u8> {
        let open = &self.0.0;
        let answer = match decode::<Message>(message) {
            Err(error) => Answer::Failed(error.to_string()),
            Ok(Message { to: Some(seat), .. }) if seat != open.seat => {
                Answer::Failed("that manager is not here any more".into())
            }
            Ok(Message { ask: Ask::IsSeat(seat, generation), .. }) => {
                open.is_seat(seat, generation).await
            }
            Ok(Message { ask, .. }) if from.manages || open.is_seated(from.node) => {
                open.answer(from.node, ask).await
            }
            Ok(_of_no_manager) => Answer::Failed("the asker is no manager".into()),
        };
        encode(&answer)
    }

    /// All entries whose keys begin with `prefix`, as far as this manager has heard: perhaps not the
    /// latest, but at once, and without a majority.
    #[must_use]
    pub fn known(&self, prefix: &str) -> Snapshot {
        self.0.0.shelf.range(prefix)
    }

    /// How this manager sees the managers.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing::of(self.0.0.seat, &self.0.0.raft.metrics().borrow())
    }

    /// Why this manager does nothing any more, if that is so: after the first error of its disk it has
    /// to be opened anew.
    #[must_use]
    pub fn stopped(&self) -> Option<StoreError> {
        self.0.0.stopped()
    }

    /// Asks the managers on these nodes to let this one vote.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoMajority`] if none of them could.
    pub async fn take_seat(&self, managers: &[NodeId]) -> Result<(), StoreError> {
        self.0.0.take_seat(managers).await
    }

    /// Takes the votes of managers that are on none of `nodes`. Only the leader can, others do nothing.
    pub async fn keep_only(&self, nodes: &BTreeSet<NodeId>) {
        self.0.0.keep_only(nodes).await;
    }

    /// Whether a manager on one of these nodes says that this one is none any more.
    pub async fn is_dismissed(&self, managers: &[NodeId]) -> bool {
        self.0.0.is_dismissed(managers).await
    }

    /// Ends this manager; the file is closed when it returns.
    pub async fn close(&self) {
        // What has ended already needs no end.
        drop(self.0.0.raft.shutdown().await);
        self.0.0.shelf.close();
    }
}

impl Open {
    async fn answer(&self, from: NodeId, ask: Ask) -> Answer {
        match ask {
            Ask::Append(rpc) => Answer::Append(self.raft.append_entries(rpc).await),
            Ask::Vote(rpc) => Answer::Vote(self.raft.vote(rpc).await),
            Ask::Install(rpc) => Answer::Install(self.raft.install_snapshot(rpc).await),
            Ask::Propose(asked) => self.propose_for(asked).await,
            Ask::ReadIndex => self.read_index_for().await,
            Ask::Admit(seat) => self.admit(seat, from).await,
            Ask::IsSeat(seat, generation) => self.is_seat(seat, generation).await,
        }
    }
}

fn config() -> Config {
    Config {
        cluster_name: "weft".into(),
        heartbeat_interval: HEARTBEAT_MS,
        election_timeout_min: ELECTION_MS.0,
        election_timeout_max: ELECTION_MS.1,
        install_snapshot_timeout: PIECE_MS,
        snapshot_max_chunk_size: PIECE,
        snapshot_policy: SnapshotPolicy::LogsSinceLast(SNAPSHOT_AFTER),
        max_in_snapshot_log_to_keep: KEPT,
        replication_lag_threshold: SNAPSHOT_AFTER,
        ..Config::default()
    }
}

impl Store for Raft {
    fn range<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Snapshot, StoreError>> {
        async move {
            self.0.0.catch_up().await?;
            Ok(self.0.0.shelf.range(prefix))
        }
        .boxed()
    }

    fn commit(&self, txn: Txn) -> BoxFuture<'_, Result<Committed, StoreError>> {
        async move {
            match self.0.0.propose(Wish::Commit(txn)).await? {
                Reply::Committed(committed) => Ok(committed),
                Reply::Granted(_) | Reply::Done => Err(StoreError::Unsettled),
            }
        }
        .boxed()
    }

    fn watch(
        &self,
        prefix: &str,
        after: Revision,
    ) -> Result<BoxStream<'static, Result<Change, StoreError>>, StoreError> {
        self.0.0.shelf.watch(prefix, after)
    }

    fn grant(&self, ttl: Duration) -> BoxFuture<'_, Result<LeaseId, StoreError>> {
        async move {
            match self.0.0.propose(Wish::Grant { ttl }).await? {
                Reply::Granted(lease) => Ok(lease),
                Reply::Committed(_) | Reply::Done => Err(StoreError::Unsettled),
            }
        }
        .boxed()
    }

    fn keep_alive(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.0.propose(Wish::KeepAlive(lease)).map(|reply| reply.map(drop)).boxed()
    }

    fn revoke(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.0.propose(Wish::Revoke(lease)).map(|reply| reply.map(drop)).boxed()
    }
}
