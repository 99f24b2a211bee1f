//! What every store does.

use std::fmt::Debug;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use weft_registry::{Change, Committed, LeaseId, Revision, Snapshot, Txn};

use crate::StoreError;

/// A revisioned key-value store.
///
/// Each commit that changes anything makes the revision larger: by one, unless others count in the same
/// store, as in a shared etcd. A commit that was dropped
/// before it was answered may have happened or not, never in part.
pub trait Store: Debug + Send + Sync + 'static {
    /// Reads all entries whose keys begin with `prefix`, as of one revision.
    fn range<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Snapshot, StoreError>>;

    /// Commits all steps if all conditions hold; done for good when it returns.
    fn commit(&self, txn: Txn) -> BoxFuture<'_, Result<Committed, StoreError>>;

    /// Tells of every change of keys that begin with `prefix`, from the first one after revision
    /// `after`, in order and without a gap. It ends with the store.
    ///
    /// # Errors
    ///
    /// [`StoreError::Compacted`] if changes after that revision are forgotten already. The stream ends
    /// with the same error if its reader falls behind so far; read a range again then.
    fn watch(
        &self,
        prefix: &str,
        after: Revision,
    ) -> Result<BoxStream<'static, Result<Change, StoreError>>, StoreError>;

    /// Promises that entries put under this lease go when it is not kept alive for `ttl`.
    ///
    /// While the store is closed no lease runs out; each starts anew when it is opened.
    fn grant(&self, ttl: Duration) -> BoxFuture<'_, Result<LeaseId, StoreError>>;

    /// Starts the lease's time anew.
    fn keep_alive(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Ends a lease, and deletes the entries put under it, as one commit.
    fn revoke(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), StoreError>>;
}
