//! The store that forgets.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{self, BoxFuture, FutureExt};
use futures::stream::BoxStream;
use weft_registry::{Change, Committed, LeaseId, Revision, Snapshot, Txn};

use crate::engine::{Disk, Engine};
use crate::ledger::Ledger;
use crate::{Store, StoreError};

/// A store that is gone with the process: for tests and simulations.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Engine>);

impl Memory {
    /// Starts empty, at revision 0.
    #[must_use]
    pub fn new() -> Self {
        Self(Engine::new(Disk::None, Ledger::default()))
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for Memory {
    fn range<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Snapshot, StoreError>> {
        future::ready(Ok(self.0.range(prefix))).boxed()
    }

    fn commit(&self, txn: Txn) -> BoxFuture<'_, Result<Committed, StoreError>> {
        self.0.commit(txn)
    }

    fn watch(
        &self,
        prefix: &str,
        after: Revision,
    ) -> Result<BoxStream<'static, Result<Change, StoreError>>, StoreError> {
        self.0.watch(prefix, after)
    }

    fn grant(&self, ttl: Duration) -> BoxFuture<'_, Result<LeaseId, StoreError>> {
        self.0.grant(ttl)
    }

    fn keep_alive(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.keep_alive(lease)
    }

    fn revoke(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.revoke(lease)
    }
}
