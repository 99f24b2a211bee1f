//! The etcd that keeps a cluster's registry, looked at before the registry goes on elsewhere: there must
//! never be two that both take changes.

use weft_api::ProblemKind;
use weft_registry::{Snapshot, View};
use weft_store::{Etcd, EtcdAccess, EtcdFault, Store as _, StoreError};

use crate::problem::{Told, because};

/// A registry in an etcd.
#[derive(Debug)]
pub(super) struct Former {
    /// The store, open.
    pub(super) store: Etcd,
    /// What it holds.
    pub(super) held: Snapshot,
}

/// Looks for the registry of a cluster in an etcd.
///
/// # Errors
///
/// If etcd cannot be asked: then it is not known whether managers go on there.
pub(super) async fn look(access: &EtcdAccess, cluster: &str) -> anyhow::Result<Option<Former>> {
    match open(access).await {
        Ok(former) => {
            let view = View::from_snapshot(&former.held)?;
            Ok(view.cluster().is_some_and(|there| there.id == cluster).then_some(former))
        }
        Err(StoreError::Etcd(EtcdFault::Missing(_))) => Ok(None),
        Err(error) => {
            let unseen = because(ProblemKind::Unavailable, UNSEEN, &error, UNSEEN_HINT);
            Err(Told(unseen).into())
        }
    }
}

async fn open(access: &EtcdAccess) -> Result<Former, StoreError> {
    let store = Etcd::open(access).await?;
    let held = store.range("/").await?;
    Ok(Former { store, held })
}

const UNSEEN: &str = "it cannot be seen whether the registry goes on in etcd";
const UNSEEN_HINT: &str = "bring etcd back, and look at [store] in /etc/weft/weft.toml if there is one; only if it is gone for good \
     and never comes back: --etcd-is-gone, too";
