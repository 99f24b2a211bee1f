//! The one suite that every store passes.
//!
//! It moves the clock where it can, so it runs on a current-thread tokio runtime.

use std::fmt::Debug;
use std::time::Duration;

use futures::stream::{BoxStream, StreamExt};
use tokio::time::timeout;
use weft_registry::{Change, Committed, Condition, Entry, LeaseId, Op, Revision, Txn};

use crate::{Store, StoreError};

mod leases;
mod transactions;
mod watches;

/// Longer than any store takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// By which clock a store ends leases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// By that of this process, which is moved.
    Moved,
    /// By another one, which has to be waited for.
    Waited,
}

/// Checks everything that [`Store`] promises.
///
/// `open` gives a new, empty store each time.
///
/// # Panics
///
/// If the store breaks a promise.
pub async fn check<S: Store>(clock: Clock, open: impl AsyncFn() -> S) {
    transactions::check(&open).await;
    watches::check(&open).await;
    leases::check(clock, &open).await;
}

pub(crate) fn put(key: &str, value: &str) -> Op {
    Op::Put { key: key.into(), value: value.into(), lease: None }
}

pub(crate) fn put_under(lease: LeaseId, key: &str) -> Op {
    Op::Put { key: key.into(), value: b"x".to_vec(), lease: Some(lease) }
}

pub(crate) fn delete(key: &str) -> Op {
    Op::Delete { key: key.into() }
}

pub(crate) async fn commit(store: &impl Store, ops: &[Op]) -> Revision {
    match commit_if(store, &[], ops).await {
        Committed::Applied(revision) => revision,
        Committed::Conflict => 0,
    }
}

pub(crate) async fn commit_if(
    store: &impl Store,
    conditions: &[Condition],
    ops: &[Op],
) -> Committed {
    store.commit(Txn { conditions: conditions.into(), ops: ops.into() }).await.unwrap()
}

pub(crate) async fn entries(store: &impl Store, prefix: &str) -> Vec<Entry> {
    store.range(prefix).await.unwrap().entries
}

pub(crate) async fn keys(store: &impl Store, prefix: &str) -> Vec<String> {
    entries(store, prefix).await.into_iter().map(|entry| entry.key).collect()
}

pub(crate) async fn next(watch: &mut BoxStream<'static, Result<Change, StoreError>>) -> Change {
    timeout(DEADLINE, watch.next()).await.unwrap().unwrap().unwrap()
}

pub(crate) fn change(revision: Revision, key: &str, value: Option<&str>) -> Change {
    Change { revision, key: key.into(), value: value.map(Into::into) }
}

#[track_caller]
pub(crate) fn same<T: PartialEq + Debug>(found: &T, expected: &T, promise: &str) {
    assert_eq!(found, expected, "{promise}");
}
