//! Leases.

use std::time::Duration;

use tokio::time::{Instant, pause, resume, sleep};
use weft_registry::LeaseId;

use super::Clock;
use super::{change, commit, keys, next, put, put_under, same};
use crate::{Store, StoreError};

pub(super) async fn check<S: Store>(clock: Clock, open: &impl AsyncFn() -> S) {
    let ttl = match clock {
        Clock::Moved => Duration::from_secs(10),
        // As short as etcd grants one.
        Clock::Waited => Duration::from_secs(2),
    };
    if clock == Clock::Moved {
        pause();
    }
    a_lease_that_runs_out_takes_its_entries_along(&open().await, ttl).await;
    a_lease_that_is_kept_alive_does_not_run_out(&open().await, ttl).await;
    a_revoked_lease_takes_its_entries_along_at_once(&open().await, ttl).await;
    an_entry_belongs_to_the_lease_it_was_put_under_last(&open().await, ttl).await;
    an_ended_lease_is_told(&open().await, ttl).await;
    if clock == Clock::Moved {
        resume();
    }
}

async fn a_lease_that_runs_out_takes_its_entries_along(store: &impl Store, ttl: Duration) {
    let (short, long) = (grant(store, ttl).await, grant(store, ttl * 2).await);
    assert!(short != long, "each lease has its own id");
    let ops =
        [put("/free", "x"), put_under(short, "/b"), put_under(short, "/a"), put_under(long, "/c")];
    commit(store, &ops).await;
    let mut watch = store.watch("", 1).unwrap();
    let start = Instant::now();
    same(&next(&mut watch).await, &change(2, "/a", None), "the entries go");
    same(&next(&mut watch).await, &change(2, "/b", None), "all as one commit");
    assert!(start.elapsed() >= ttl - Duration::from_secs(1), "not before the time");
    same(&next(&mut watch).await, &change(3, "/c", None), "each lease has its own time");
    assert!(start.elapsed() >= ttl * 2 - Duration::from_secs(1), "not before the time");
    same(&keys(store, "").await, &vec!["/free".to_owned()], "other entries stay");
}

async fn a_lease_that_is_kept_alive_does_not_run_out(store: &impl Store, ttl: Duration) {
    let lease = grant(store, ttl).await;
    commit(store, &[put_under(lease, "/a")]).await;
    for _ in 0..5 {
        sleep(ttl * 3 / 4).await;
        store.keep_alive(lease).await.unwrap();
    }
    same(&keys(store, "").await.len(), &1, "a lease that is kept alive goes on");
    let mut watch = store.watch("", 1).unwrap();
    same(&next(&mut watch).await, &change(2, "/a", None), "until it is not any more");
}

async fn a_revoked_lease_takes_its_entries_along_at_once(store: &impl Store, ttl: Duration) {
    let lease = grant(store, ttl).await;
    commit(store, &[put_under(lease, "/a"), put_under(lease, "/b")]).await;
    store.revoke(lease).await.unwrap();
    same(&keys(store, "").await.len(), &0, "the entries are gone");
    same(&commit(store, &[put("/c", "x")]).await, &3, "it was one commit");
}

async fn an_entry_belongs_to_the_lease_it_was_put_under_last(store: &impl Store, ttl: Duration) {
    let (first, second) = (grant(store, ttl).await, grant(store, ttl).await);
    commit(store, &[put_under(first, "/a"), put_under(first, "/b")]).await;
    commit(store, &[put("/a", "x"), put_under(second, "/b")]).await;
    store.revoke(first).await.unwrap();
    same(&keys(store, "").await.len(), &2, "neither belongs to the first lease any more");
    store.revoke(second).await.unwrap();
    same(&keys(store, "").await, &vec!["/a".to_owned()], "one belongs to the second");
}

async fn an_ended_lease_is_told(store: &impl Store, ttl: Duration) {
    let lease = grant(store, ttl).await;
    store.revoke(lease).await.unwrap();
    let gone = Err(StoreError::NoSuchLease(lease));
    same(&store.keep_alive(lease).await, &gone, "an ended lease is not kept alive");
    same(&store.revoke(lease).await, &gone, "an ended lease is not ended again");
    let again = grant(store, ttl).await;
    assert!(again != lease, "an id of a lease is never used again");
}

async fn grant(store: &impl Store, ttl: Duration) -> LeaseId {
    store.grant(ttl).await.unwrap()
}
