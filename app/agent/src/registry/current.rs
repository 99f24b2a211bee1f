//! The registry as a manager's decisions need it: as it is at this moment.

use std::fmt;
use std::future::pending;
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use ipnet::IpNet;
use tokio::time::timeout;
use weft_model::NetworkId;
use weft_registry::{Change, Key, Revision, Snapshot, View, ViewError};
use weft_store::{Store, StoreError};

/// An etcd tells of a change a moment after it has it. In one that others write to as well the newest revision
/// may be none of ours: it is not waited for long.
const ON_THE_WAY: Duration = Duration::from_millis(10);

/// A block that is nobody's any more.
pub(super) type Freed = (NetworkId, IpNet);

/// A view that is brought up to date by the changes since, and read as a whole only where that is not
/// possible: a large registry is not parsed anew for each command.
#[derive(Default)]
pub(super) struct Current {
    view: View,
    /// What has changed since; none before the first read, and after a gap.
    changes: Option<BoxStream<'static, Result<Change, StoreError>>>,
}

/// Why the registry is not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unknown {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What it answers cannot be read.
    #[error(transparent)]
    View(#[from] ViewError),
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("revision", &self.view.revision()).finish_non_exhaustive()
    }
}

impl Current {
    /// The registry as it was when it was last brought up to date.
    pub(super) const fn view(&self) -> &View {
        &self.view
    }

    /// Brings it up to date; says which blocks have become free.
    pub(super) async fn catch_up(&mut self, store: &dyn Store) -> Result<Vec<Freed>, Unknown> {
        // One entry is read with the same guarantee as all of them, and says of which revision they are.
        let least = store.range(&Key::Cluster.to_string()).await?.revision;
        let mut freed = self.follow(least).await;
        if self.changes.is_none() || self.view.revision() < least {
            freed.extend(self.read(store, &store.range("/").await?)?);
        }
        Ok(freed)
    }

    /// Takes over the next change when it comes; says which block has become free by it.
    pub(super) async fn next(&mut self) -> Option<Freed> {
        let Some(changes) = &mut self.changes else { return pending().await };
        let next = changes.next().await;
        self.take(next)
    }

    /// Takes over the changes that are there, and up to `least` those that are on their way.
    async fn follow(&mut self, least: Revision) -> Vec<Freed> {
        let mut freed = Vec::new();
        while let Some(changes) = &mut self.changes {
            let next = match changes.next().now_or_never() {
                Some(next) => next,
                None if self.view.revision() >= least => break,
                None => match timeout(ON_THE_WAY, changes.next()).await {
                    Ok(next) => next,
                    Err(_elapsed) => break,
                },
            };
            freed.extend(self.take(next));
        }
        freed
    }

    /// After a gap, or a change that cannot be read, changes are of no use any more.
    fn take(&mut self, next: Option<Result<Change, StoreError>>) -> Option<Freed> {
        match next {
            Some(Ok(change)) if self.view.apply(&change).is_ok() => self.freed_by(&change),
            _ => {
                self.changes = None;
                None
            }
        }
    }

    fn read(&mut self, store: &dyn Store, whole: &Snapshot) -> Result<Vec<Freed>, Unknown> {
        let next = View::from_snapshot(whole)?;
        if self.changes.is_none() {
            self.changes = store.watch("/", whole.revision).ok();
        }
        let gone = self.view.all_blocks().filter(|b| next.block(b.network, b.range).is_none());
        let freed = gone.map(|block| (block.network, block.range)).collect();
        self.view = next;
        Ok(freed)
    }

    /// A change from before the view's time frees nothing that has an owner again.
    fn freed_by(&self, change: &Change) -> Option<Freed> {
        let Ok(Some(Key::Block(network, range))) = Key::parse(&change.key) else { return None };
        self.view.block(network, range).is_none().then_some((network, range))
    }
}

#[cfg(test)]
mod tests {
    use weft_registry::{Op, Txn};
    use weft_store::Memory;

    use super::*;

    const BLOCK: &str = "/block/0000000000000000000000000000000a/10.0.0.0_26";

    async fn put(store: &Memory, key: &str, value: Option<&str>) {
        let key = key.to_owned();
        let op = match value {
            Some(value) => Op::Put { key, value: value.into(), lease: None },
            None => Op::Delete { key },
        };
        store.commit(Txn { conditions: Vec::new(), ops: vec![op] }).await.unwrap();
    }

    fn block() -> String {
        let (network, owner) =
            ("0000000000000000000000000000000a", "0000000000000000000000000000000b");
        format!(
            r#"{{"network":"{network}","range":"10.0.0.0/26","owner":"{owner}","generation":1}}"#
        )
    }

    async fn whole(store: &Memory) -> View {
        View::from_snapshot(&store.range("/").await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn it_is_what_a_whole_read_would_give() {
        let (store, mut current) = (Memory::new(), Current::default());
        put(&store, "/networks", Some("1")).await;
        put(&store, BLOCK, Some(&block())).await;
        assert_eq!(current.catch_up(&store).await.unwrap(), []);
        assert_eq!(*current.view(), whole(&store).await);
        put(&store, "/networks", Some("2")).await;
        put(&store, BLOCK, None).await;
        assert_eq!(current.catch_up(&store).await.unwrap().len(), 1, "the block is free");
        assert_eq!(*current.view(), whole(&store).await);
        put(&store, BLOCK, Some(&block())).await;
        put(&store, BLOCK, None).await;
        assert_eq!((current.next().await, current.next().await.is_some()), (None, true));
        assert_eq!(*current.view(), whole(&store).await);
    }

    #[tokio::test]
    async fn a_gap_or_what_cannot_be_read_is_no_reason_to_be_wrong() {
        let (store, mut current) = (Memory::new(), Current::default());
        put(&store, BLOCK, Some(&block())).await;
        current.catch_up(&store).await.unwrap();
        current.changes = Some(futures::stream::pending().boxed());
        put(&store, BLOCK, None).await;
        assert_eq!(current.catch_up(&store).await.unwrap().len(), 1, "read as a whole");
        assert_eq!(*current.view(), whole(&store).await);
        put(&store, "/networks", Some("many")).await;
        assert!(matches!(current.catch_up(&store).await, Err(Unknown::View(_))));
        put(&store, "/networks", Some("3")).await;
        current.catch_up(&store).await.unwrap();
        assert_eq!(*current.view(), whole(&store).await);
    }
}
