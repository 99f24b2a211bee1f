//! The store that keeps everything in one file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{self, BoxFuture, FutureExt};
use futures::stream::BoxStream;
use weft_registry::{Change, Committed, LeaseId, Revision, Snapshot, Txn};

use crate::engine::{Disk, Engine};
use crate::{Store, StoreError};

mod file;
mod load;
mod open;
mod tables;

pub(crate) use file::{File, clear, explain, mark_replicated, put_batch};
pub(crate) use open::{open as reopen, open_replicated};

/// A store in one file, which no other process can open meanwhile.
///
/// A commit is on the disk before it is acknowledged. After a failed write it refuses all further
/// ones until it is opened anew, which it does by itself once a full disk has room again; reads go
/// on with what was committed before.
#[derive(Clone, Debug)]
pub struct Redb(Arc<Open>);

/// The file is open for as long as this lives.
#[derive(Debug)]
struct Open(Arc<Engine>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Redb {
    /// Opens a file, or makes a new one if there is none.
    ///
    /// Blocks for as long as it takes to check and read the whole file. The file is closed when the
    /// last clone is dropped, which waits for a write that is under way.
    ///
    /// # Errors
    ///
    /// [`StoreError`] tells what is wrong with the file. A damaged file is never mended or replaced.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let (file, ledger) = open::open(path)?;
        Ok(Self(Arc::new(Open(Engine::new(Disk::File(Box::new(file)), ledger)))))
    }
}

impl Store for Redb {
    fn range<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Snapshot, StoreError>> {
        future::ready(Ok(self.0.0.range(prefix))).boxed()
    }

    fn commit(&self, txn: Txn) -> BoxFuture<'_, Result<Committed, StoreError>> {
        self.0.0.commit(txn)
    }

    fn watch(
        &self,
        prefix: &str,
        after: Revision,
    ) -> Result<BoxStream<'static, Result<Change, StoreError>>, StoreError> {
        self.0.0.watch(prefix, after)
    }

    fn grant(&self, ttl: Duration) -> BoxFuture<'_, Result<LeaseId, StoreError>> {
        self.0.0.grant(ttl)
    }

    fn keep_alive(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.0.keep_alive(lease)
    }

    fn revoke(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.0.revoke(lease)
    }
}
