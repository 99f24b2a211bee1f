//! Where an office is opened: this node's files, and its ways to the others.

use std::sync::Arc;

use tokio::sync::watch;
use weft_identity::Authority;
use weft_model::NodeId;
use weft_store::{Raft, Store};

use super::{MeshLinks, Office};
use crate::admission::Admission;
use crate::disk::Disk;
use crate::registry::{InUse, Manager};

/// What every office of this node needs.
#[derive(Clone, Debug)]
pub(crate) struct Premises {
    /// This node.
    pub(crate) me: NodeId,
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
        let authority = Authority::from_pem(authority_pem)?;
        let links = Arc::new(self.links.clone());
        let raft = Raft::open(&self.disk.manager_store(), self.me, links).await?;
        let store: Arc<dyn Store> = Arc::new(raft.clone());
        let (manager, keeper) = Manager::new(store, Some(raft.clone()), self.in_use.clone());
        // It ends with the office.
        tokio::spawn(keeper.run());
        Ok(Office { manager, admission: Arc::new(Admission::new(authority, self.me)), raft })
    }
}
