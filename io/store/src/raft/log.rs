//! The log, as Raft wants it: on the disk before anybody is told so.

use std::fmt::Debug;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use openraft::storage::{LogFlushed, LogState, RaftLogStorage};
use openraft::{
    Entry, ErrorSubject, ErrorVerb, LogId, OptionalSend, RaftLogReader, StorageError,
    StorageIOError, Vote,
};

use super::records;
use super::shelf::Shelf;
use super::types::{SeatId, Types};
use crate::StoreError;

/// The log of one manager. After an error of the disk Raft ends: a manager that may have lost what
/// it promised must not vote.
#[derive(Clone, Debug)]
pub(super) struct Log(pub(super) Arc<Shelf>);

type Failed = StorageError<SeatId>;

impl Log {
    /// The disk is waited for elsewhere.
    async fn work<T: Send + 'static>(
        &self,
        verb: ErrorVerb,
        work: impl FnOnce(&Shelf) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failed> {
        let shelf = Arc::clone(&self.0);
        blocking(move || work(&shelf)).await.map_err(|error| {
            StorageIOError::new(ErrorSubject::Logs, verb, openraft::AnyError::new(&error)).into()
        })
    }
}

/// Runs what waits for a disk where it keeps nobody else.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|gone| Err(StoreError::Stopped { cause: gone.to_string() }))
}

impl RaftLogReader<Types> for Log {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry<Types>>, Failed> {
        let bounds: (Bound<u64>, Bound<u64>) =
            (range.start_bound().cloned(), range.end_bound().cloned());
        self.work(ErrorVerb::Read, move |shelf| shelf.read(|file| records::read(file, bounds)))
            .await
    }
}

impl RaftLogStorage<Types> for Log {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, Failed> {
        let state = |shelf: &Shelf| {
            shelf.read(|file| {
                let purged: Option<LogId<SeatId>> = records::get(file, records::PURGED)?;
                let last: Option<Entry<Types>> = records::last(file)?;
                let last_log_id = last.map(|entry| entry.log_id).or(purged);
                Ok(LogState { last_purged_log_id: purged, last_log_id })
            })
        };
        self.work(ErrorVerb::Read, state).await
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote<SeatId>) -> Result<(), Failed> {
        let vote = *vote;
        let save = move |shelf: &Shelf| shelf.write(|t| records::put(t, records::VOTE, &vote));
        self.work(ErrorVerb::Write, save).await
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<SeatId>>, Failed> {
        let read = |shelf: &Shelf| shelf.read(|file| records::get(file, records::VOTE));
        self.work(ErrorVerb::Read, read).await
    }

    async fn append<I>(&mut self, entries: I, flushed: LogFlushed<Types>) -> Result<(), Failed>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<_> = entries.into_iter().map(|e| (e.log_id.index, e)).collect();
        let append = move |shelf: &Shelf| shelf.write(|t| records::append(t, &entries));
        let appended = self.work(ErrorVerb::Write, append).await;
        flushed.log_io_completed(match &appended {
            Ok(()) => Ok(()),
            Err(error) => Err(std::io::Error::other(error.to_string())),
        });
        appended
    }

    async fn truncate(&mut self, log: LogId<SeatId>) -> Result<(), Failed> {
        let cut = move |shelf: &Shelf| shelf.write(|t| records::remove(t, log.index..));
        self.work(ErrorVerb::Delete, cut).await
    }

    async fn purge(&mut self, log: LogId<SeatId>) -> Result<(), Failed> {
        let purge = move |shelf: &Shelf| {
            shelf.write(|transaction| {
                records::put(transaction, records::PURGED, &log)?;
                records::remove(transaction, ..=log.index)
            })
        };
        self.work(ErrorVerb::Delete, purge).await
    }
}
