//! Watches.

use futures::stream::StreamExt;
use weft_registry::{Change, Op};

use super::{change, commit, delete, next, put, same};
use crate::{HISTORY, Store, StoreError};

pub(super) async fn check<S: Store>(open: &impl AsyncFn() -> S) {
    a_watch_tells_everything_after_a_revision(&open().await).await;
    a_watch_goes_on_with_what_comes(&open().await).await;
    a_range_and_a_watch_from_there_miss_nothing(&open().await).await;
    a_watch_of_a_forgotten_revision_is_refused(&open().await).await;
    a_watch_that_falls_behind_is_told(&open().await).await;
    a_watch_ends_with_the_store(open().await).await;
}

async fn a_watch_tells_everything_after_a_revision(store: &impl Store) {
    commit(store, &[put("/a", "1")]).await;
    commit(store, &[put("/b", "1"), put("/other", "1"), put("/a", "2")]).await;
    commit(store, &[delete("/a")]).await;
    let expected = [
        change(1, "/a", Some("1")),
        change(2, "/b", Some("1")),
        change(2, "/other", Some("1")),
        change(2, "/a", Some("2")),
        change(3, "/a", None),
    ];
    for after in 0..3 {
        let mut watch = store.watch("", after).unwrap();
        for expected in expected.iter().filter(|change| change.revision > after) {
            same(&next(&mut watch).await, expected, "a late watcher is told the history, in order");
        }
    }
    let mut watch = store.watch("/a", 1).unwrap();
    same(&next(&mut watch).await, &change(2, "/a", Some("2")), "only of keys with the prefix");
    same(&next(&mut watch).await, &change(3, "/a", None), "deletions too");
}

async fn a_watch_goes_on_with_what_comes(store: &impl Store) {
    let mut watch = store.watch("/a", 0).unwrap();
    for turn in 1..=3 {
        commit(store, &[put("/b", "x"), put("/a", &turn.to_string())]).await;
        let expected = change(turn, "/a", Some(&turn.to_string()));
        same(&next(&mut watch).await, &expected, "a change is told when it is committed");
    }
    let mut later = store.watch("/a", 5).unwrap();
    for turn in 4..=6 {
        commit(store, &[put("/a", &turn.to_string())]).await;
    }
    let expected = change(6, "/a", Some("6"));
    same(&next(&mut later).await, &expected, "a watch from a later revision waits for it");
}

async fn a_range_and_a_watch_from_there_miss_nothing(store: &impl Store) {
    let writer = async {
        for turn in 0..200 {
            commit(store, &[put(&format!("/{}", turn % 7), &turn.to_string())]).await;
        }
    };
    let reader = async {
        let mut told = Vec::new();
        let snapshot = store.range("").await.unwrap();
        let mut watch = store.watch("", snapshot.revision).unwrap();
        while snapshot.revision + u64::try_from(told.len()).unwrap() < 200 {
            told.push(next(&mut watch).await.revision);
        }
        same(&told, &(snapshot.revision + 1..=200).collect(), "no change is lost or told twice");
    };
    let _done = futures::join!(writer, reader, reader_from_the_start(store));
}

async fn reader_from_the_start(store: &impl Store) {
    let watch = store.watch("", 0).unwrap();
    let told: Vec<Change> = watch.take(200).map(Result::unwrap).collect().await;
    same(&told.len(), &200, "every watcher is told everything");
}

async fn a_watch_of_a_forgotten_revision_is_refused(store: &impl Store) {
    overflow(store).await;
    let refused = store.watch("", 0).err();
    let Some(StoreError::Compacted { oldest }) = refused else {
        same(
            &refused,
            &Some(StoreError::Compacted { oldest: 0 }),
            "forgotten changes are not told",
        );
        return;
    };
    assert!(oldest > 0, "the oldest revision to watch from is later than the one refused");
    let mut watch = store.watch("", oldest).unwrap();
    same(&next(&mut watch).await.revision, &(oldest + 1), "what is remembered is complete");
}

async fn a_watch_that_falls_behind_is_told(store: &impl Store) {
    commit(store, &[put("/a", "1")]).await;
    let mut watch = store.watch("", 1).unwrap();
    overflow(store).await;
    let told = watch.next().await.unwrap();
    assert!(
        matches!(told, Err(StoreError::Compacted { .. })),
        "a gap is told, not skipped: {told:?}"
    );
    assert!(watch.next().await.is_none(), "nothing comes after a gap");
}

async fn a_watch_ends_with_the_store(store: impl Store) {
    let mut watch = store.watch("", 0).unwrap();
    commit(&store, &[put("/a", "1")]).await;
    drop(store);
    same(&next(&mut watch).await, &change(1, "/a", Some("1")), "what was committed is told");
    assert!(watch.next().await.is_none(), "a watch ends with its store");
}

/// Makes the store forget its first changes.
async fn overflow(store: &impl Store) {
    let ops: Vec<Op> = (0..256).map(|n| put(&format!("/{n}"), "x")).collect();
    for _ in 0..=HISTORY / ops.len() {
        commit(store, &ops).await;
    }
}
