//! A manager's side of following: first the whole registry, then each change.

use std::pin::{Pin, pin};
use std::sync::Arc;

use futures::stream::Peekable;
use futures::{FutureExt as _, Stream, StreamExt as _};
use tokio::sync::mpsc;
use weft_registry::{Change, Revision};
use weft_store::{Store, StoreError};
use weft_transport::WatchItem;

/// Feeds `out`, commit by commit, with everything after `after` until the follower is gone.
///
/// A follower that knows nothing (`after` is 0) or whose revision was compacted gets a snapshot.
pub(crate) async fn stream(store: Arc<dyn Store>, after: Revision, out: mpsc::Sender<WatchItem>) {
    if let Err(error) = feed(&*store, after, &out).await {
        tracing::warn!(error = %error, "a follower of the registry was cut off");
    }
}

async fn feed(
    store: &dyn Store,
    after: Revision,
    out: &mpsc::Sender<WatchItem>,
) -> Result<(), StoreError> {
    let snapshot = store.range("/").await?;
    let mut from = after;
    if after == 0 || after > snapshot.revision || store.watch("/", after).is_err() {
        from = snapshot.revision;
        if out.send(WatchItem::Snapshot(snapshot)).await.is_err() {
            return Ok(());
        }
    }
    let mut changes = pin!(store.watch("/", from)?.peekable());
    while let Some(first) = changes.next().await {
        let commit = whole(first?, changes.as_mut())?;
        if out.send(WatchItem::Changes(commit)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
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
        let feeding = tokio::spawn(stream(Arc::clone(&store), 1, sender));
        for _commit in 0..20 {
            commit(&["/a", "/b", "/c", "/d"]).await.unwrap();
            commit(&["/e"]).await.unwrap();
        }
        for length in [4, 1].into_iter().cycle().take(40) {
            let Some(WatchItem::Changes(changes)) = items.recv().await else {
                panic!("no changes")
            };
            assert_eq!(changes.len(), length, "{changes:?}");
        }
        feeding.abort();
    }
}
