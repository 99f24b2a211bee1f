//! A manager's side of following: first the whole registry, then each change.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::Peekable;
use futures::{FutureExt as _, Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use weft_registry::{Change, Revision};
use weft_store::{Store, StoreError};
use weft_transport::WatchItem;

use super::Backing;

/// How often a follower is told that the manager is there and a majority stands behind it.
const BEAT: Duration = Duration::from_millis(400);

/// Feeds `out`, commit by commit, with everything after `after` until the follower is gone, or until
/// no majority stands behind this manager any more: then the follower looks for another one.
///
/// A follower that knows nothing (`after` is 0) or whose revision was compacted gets a snapshot.
pub(crate) async fn stream(
    store: Arc<dyn Store>,
    backing: Backing,
    after: Revision,
    out: mpsc::Sender<WatchItem>,
) {
    match feed(&*store, &backing, after, &out).await {
        Ok(()) | Err(StoreError::NoMajority) => {}
        Err(error) => tracing::warn!(error = %error, "a follower of the registry was cut off"),
    }
}

async fn feed(
    store: &dyn Store,
    backing: &Backing,
    after: Revision,
    out: &mpsc::Sender<WatchItem>,
) -> Result<(), StoreError> {
    let snapshot = store.range("/").await?;
    let mut from = after;
    if after == 0 || after > snapshot.revision || store.watch("/", after).is_err() {
        from = snapshot.revision;
        if out.send(WatchItem::Snapshot(snapshot.clone())).await.is_err() {
            return Ok(());
        }
    }
    let mut changes = pin!(store.watch("/", from)?.peekable());
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let item = tokio::select! {
            biased;
            change = changes.next() => {
                let Some(first) = change else { return Ok(()) };
                let commit = whole(first?, changes.as_mut())?;
                from = commit.last().map_or(from, |change| change.revision);
                WatchItem::Changes(commit)
            }
            _now = beat.tick(), if from >= snapshot.revision => {
                if !backing.stands() {
                    return Err(StoreError::NoMajority);
                }
                WatchItem::Confirmed { leader: backing.leader() }
            }
        };
        if out.send(item).await.is_err() {
            return Ok(());
        }
    }
}

/// All that the same commit changed. A store tells a commit at once, so there is nothing to wait for.
fn whole(
    first: Change,
    mut rest: Pin<&mut Peekable<impl Stream<Item = Result<Change, StoreError>>>>,
) -> Result<Vec<Change>, StoreError> {
    let revision = first.revision;
    let mut commit = vec![first];
    let same = |next: &Result<Change, _>| next.as_ref().is_ok_and(|c| c.revision == revision);
    while let Some(Some(next)) = rest.as_mut().next_if(same).now_or_never() {
        commit.push(next?);
    }
    Ok(commit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_registry::{Op, Txn};

    const CONFIRMED: WatchItem = WatchItem::Confirmed { leader: None };

    #[tokio::test]
    async fn a_commit_is_told_whole() {
        let store: Arc<dyn Store> = Arc::new(weft_store::Memory::default());
        let put = |key: &str| Op::Put { key: key.to_owned(), value: Vec::new(), lease: None };
        let commit = |keys: &[&str]| {
            let ops = keys.iter().map(|key| put(key)).collect();
            store.commit(Txn { conditions: Vec::new(), ops })
        };
        commit(&["/x"]).await.unwrap();
        let (sender, mut items) = mpsc::channel(8);
        let feeding = tokio::spawn(stream(Arc::clone(&store), Backing::default(), 1, sender));
        assert_eq!(items.recv().await, Some(CONFIRMED));
        for _commit in 0..20 {
            commit(&["/a", "/b", "/c", "/d"]).await.unwrap();
            commit(&["/e"]).await.unwrap();
        }
        for length in [4, 1].into_iter().cycle().take(40) {
            let changes = loop {
                match items.recv().await {
                    Some(WatchItem::Changes(changes)) => break changes,
                    other => assert_eq!(other, Some(CONFIRMED)),
                }
            };
            assert_eq!(changes.len(), length, "{changes:?}");
        }
        feeding.abort();
    }

    #[tokio::test]
    async fn who_was_away_is_told_everything_before_that_it_has_caught_up() {
        let store: Arc<dyn Store> = Arc::new(weft_store::Memory::default());
        for key in ["/a", "/b", "/c"] {
            let ops = vec![Op::Put { key: key.to_owned(), value: Vec::new(), lease: None }];
            store.commit(Txn { conditions: Vec::new(), ops }).await.unwrap();
        }
        for (after, items_before) in [(0, 1), (1, 2), (2, 1), (3, 0)] {
            let (sender, mut items) = mpsc::channel(8);
            let feeding =
                tokio::spawn(stream(Arc::clone(&store), Backing::default(), after, sender));
            for _item in 0..items_before {
                assert_ne!(items.recv().await, Some(CONFIRMED), "after {after}");
            }
            assert_eq!(items.recv().await, Some(CONFIRMED), "after {after}");
            feeding.abort();
        }
    }
}
