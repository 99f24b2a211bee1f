//! What the log's entries do, as Raft wants it: the same drafts and batches as with one manager.

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use openraft::storage::{RaftStateMachine, Snapshot, SnapshotMeta};
use openraft::{
    AnyError, Entry, LogId, OptionalSend, RaftSnapshotBuilder, StorageError, StorageIOError,
    StoredMembership,
};

use super::image;
use super::log::blocking;
use super::shelf::Shelf;
use super::types::{Placed, Seat, SeatId, Types};
use crate::engine::locked;

type Failed = StorageError<SeatId>;
type Meta = SnapshotMeta<SeatId, Seat>;

/// The last snapshot. It needs no disk: the state itself is there.
type Kept = Arc<Mutex<Option<(Meta, Vec<u8>)>>>;

/// The state of one manager.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    shelf: Arc<Shelf>,
    kept: Kept,
}

impl Machine {
    pub(super) fn new(shelf: Arc<Shelf>) -> Self {
        Self { shelf, kept: Kept::default() }
    }
}

/// The state as it was when it was asked for.
#[derive(Debug)]
pub(super) struct Builder {
    kept: Kept,
    placed: Placed,
    image: Result<Vec<u8>, serde_json::Error>,
}

impl RaftSnapshotBuilder<Types> for Builder {
    async fn build_snapshot(&mut self) -> Result<Snapshot<Types>, Failed> {
        let image = self
            .image
            .as_ref()
            .map_err(|error| StorageIOError::write_snapshot(None, AnyError::new(error)))?;
        let meta = meta(&self.placed);
        *locked(&self.kept) = Some((meta.clone(), image.clone()));
        Ok(Snapshot { meta, snapshot: Box::new(Cursor::new(image.clone())) })
    }
}

fn meta(placed: &Placed) -> Meta {
    let id = placed.log.map(|log| format!("{}-{}", log.leader_id.term, log.index));
    SnapshotMeta {
        last_log_id: placed.log,
        last_membership: placed.membership.clone(),
        snapshot_id: id.unwrap_or_default(),
    }
}

impl RaftStateMachine<Types> for Machine {
    type SnapshotBuilder = Builder;

    async fn applied_state(
        &mut self,
    ) -> Result<(Option<LogId<SeatId>>, StoredMembership<SeatId, Seat>), Failed> {
        let placed = self.shelf.placed();
        Ok((placed.log, placed.membership))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<()>, Failed>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<_> = entries.into_iter().collect();
        let answers = vec![(); entries.len()];
        let shelf = Arc::clone(&self.shelf);
        let applied = blocking(move || shelf.apply(entries)).await;
        applied.map_err(|error| StorageIOError::write_state_machine(AnyError::new(&error)))?;
        Ok(answers)
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        let kept = Arc::clone(&self.kept);
        self.shelf.look(|ledger, placed| Builder {
            kept,
            placed: placed.clone(),
            image: image::write(ledger, &placed.done),
        })
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Cursor<Vec<u8>>>, Failed> {
        Ok(Box::default())
    }

    async fn install_snapshot(
        &mut self,
        meta: &Meta,
        snapshot: Box<Cursor<Vec<u8>>>,
    ) -> Result<(), Failed> {
        let bytes = snapshot.into_inner();
        let unreadable = |error: &serde_json::Error| {
            StorageIOError::read_snapshot(Some(meta.signature()), AnyError::new(error))
        };
        let (ledger, done) = image::read(&bytes).map_err(|error| unreadable(&error))?;
        let (log, membership) = (meta.last_log_id, meta.last_membership.clone());
        let placed = Placed { log, membership, done };
        let shelf = Arc::clone(&self.shelf);
        let replaced = blocking(move || shelf.replace(ledger, placed)).await;
        replaced.map_err(|error| StorageIOError::write_state_machine(AnyError::new(&error)))?;
        *locked(&self.kept) = Some((meta.clone(), bytes));
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<Types>>, Failed> {
        let kept = locked(&self.kept).clone();
        Ok(kept.map(|(meta, bytes)| Snapshot { meta, snapshot: Box::new(Cursor::new(bytes)) }))
    }
}
