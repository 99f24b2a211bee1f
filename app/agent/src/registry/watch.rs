//! A manager's side of following: first the whole registry, then each change.

use std::sync::Arc;

use futures::StreamExt as _;
use tokio::sync::mpsc;
use weft_registry::Revision;
use weft_store::{Store, StoreError};
use weft_transport::WatchItem;

/// Feeds `out` with everything after `after` until the follower is gone.
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
    let mut changes = store.watch("/", from)?;
    while let Some(change) = changes.next().await {
        if out.send(WatchItem::Change(change?)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
