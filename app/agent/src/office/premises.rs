//! Where an office is opened: this node's files, and its ways to the others.

use std::sync::Arc;

use tokio::sync::watch;
use weft_identity::Authority;
use weft_model::NodeId;
use weft_registry::View;
use weft_store::{Etcd, EtcdAccess, EtcdFault, Raft, Store, StoreError};

use super::{MeshLinks, Office};
use crate::admission::Admission;
use crate::disk::Disk;
use crate::registry::{Backing, EtcdBacking, InUse, Manager};

/// What every office of this node needs.
#[derive(Clone, Debug)]
pub(crate) struct Premises {
    /// This node.
    pub(crate) me: NodeId,
    /// The cluster's id.
    pub(crate) cluster: String,
    /// Where the configuration says that the etcd is, if it says so.
    pub(crate) etcd: Option<EtcdAccess>,
    /// Its state directory.
    pub(crate) disk: Disk,
    /// Ways to other managers.
    pub(crate) links: MeshLinks,
    /// Who has endpoints where.
    pub(crate) in_use: watch::Receiver<Arc<InUse>>,
}

impl Premises {
    /// Opens the office with the CA of `authority_pem` and the file that is there.
    ///
    /// # Errors
    ///
    /// If the CA or the file is of no use.
    pub(crate) async fn open(&self, authority_pem: &str) -> anyhow::Result<Office> {
        let links = Arc::new(self.links.clone());
        let raft = Raft::open(&self.disk.manager_store(), self.me, links).await?;
        self.furnish(authority_pem, Arc::new(raft.clone()), Backing::Managers(raft))
    }

    /// Opens the office with the CA of `authority_pem` and the store of this cluster that an etcd keeps.
    ///
    /// # Errors
    ///
    /// If the CA is of no use, etcd does not answer, or it has something else.
    pub(crate) async fn open_etcd(
        &self,
        authority_pem: &str,
        kept: &EtcdAccess,
    ) -> anyhow::Result<Office> {
        let access = self.etcd.as_ref().unwrap_or(kept);
        let etcd = Etcd::open(access).await?;
        let view = View::from_snapshot(&etcd.range("/").await?)?;
        if view.cluster().is_none_or(|cluster| cluster.id != self.cluster) {
            return Err(StoreError::from(EtcdFault::Taken(access.prefix.clone())).into());
        }
        let backing = EtcdBacking::new(etcd.clone(), access.clone());
        self.furnish(authority_pem, Arc::new(etcd), Backing::Etcd(backing))
    }

    fn furnish(
        &self,
        authority_pem: &str,
        store: Arc<dyn Store>,
        backing: Backing,
    ) -> anyhow::Result<Office> {
        let authority = Authority::from_pem(authority_pem)?;
        let (manager, keeper) = Manager::new(store, backing, self.in_use.clone());
        // It ends with the office.
        tokio::spawn(keeper.run());
        Ok(Office { manager, admission: Arc::new(Admission::new(authority, self.me)) })
    }
}
