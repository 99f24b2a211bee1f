//! Both stores pass the suite.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use weft_store::{Memory, Redb, Store, contract};

#[tokio::test]
async fn memory_keeps_every_promise() {
    contract::check(async || Memory::new()).await;
}

#[tokio::test]
async fn redb_keeps_every_promise() {
    let directory = tempfile::tempdir().unwrap();
    let opened = AtomicU32::new(0);
    contract::check(async || {
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
