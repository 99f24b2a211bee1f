//! All stores pass the suite.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    clippy::print_stderr,
    dead_code,
    reason = "integration tests"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::managers::{Managers, PATIENCE};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::time::timeout;
use weft_registry::{Change, Committed, LeaseId, Revision, Snapshot, Txn};
use weft_store::{
    Memory, Raft, Redb, Store, StoreError,
    contract::{self, Clock},
};

#[tokio::test]
async fn memory_keeps_every_promise() {
    contract::check(Clock::Moved, async || Memory::new()).await;
}

#[tokio::test]
async fn redb_keeps_every_promise() {
    let directory = tempfile::tempdir().unwrap();
    let opened = AtomicU32::new(0);
    contract::check(Clock::Moved, async || {
        let number = opened.fetch_add(1, Ordering::Relaxed);
        Redb::open(&directory.path().join(format!("{number}.redb"))).unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_store_can_be_chosen_at_run_time() {
    let stores: [Arc<dyn Store>; 1] = [Arc::new(Memory::new())];
    for store in stores {
        assert_eq!(store.range("").await.unwrap().revision, 0);
    }
}

#[tokio::test]
async fn one_manager_keeps_every_promise() {
    check(1).await;
}

/// All is asked of a follower.
#[tokio::test]
async fn three_managers_keep_every_promise() {
    check(3).await;
}

async fn check(managers: u128) {
    contract::check(Clock::Moved, async || Asked::open(managers).await).await;
}

/// The last one of some managers, and what it needs.
#[derive(Debug)]
struct Asked {
    last: Raft,
    _all: Managers,
    _directory: tempfile::TempDir,
}

impl Asked {
    async fn open(managers: u128) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let all = timeout(PATIENCE, Managers::start(directory.path(), managers)).await.unwrap();
        Self { last: all.get(managers), _all: all, _directory: directory }
    }
}

impl Store for Asked {
    fn range<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Snapshot, StoreError>> {
        self.last.range(prefix)
    }

    fn commit(&self, txn: Txn) -> BoxFuture<'_, Result<Committed, StoreError>> {
        self.last.commit(txn)
    }

    fn watch(
        &self,
        prefix: &str,
        after: Revision,
    ) -> Result<BoxStream<'static, Result<Change, StoreError>>, StoreError> {
        self.last.watch(prefix, after)
    }

    fn grant(&self, ttl: Duration) -> BoxFuture<'_, Result<LeaseId, StoreError>> {
        self.last.grant(ttl)
    }

    fn keep_alive(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), StoreError>> {
        self.last.keep_alive(lease)
    }

    fn revoke(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), StoreError>> {
        self.last.revoke(lease)
    }
}
