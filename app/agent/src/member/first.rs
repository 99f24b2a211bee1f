//! The registry's first entries, where they are kept from then on.

use weft_api::ProblemKind;
use weft_model::NodeId;
use weft_registry::{Command, Situation, Txn, View, decide};
use weft_store::{Etcd, EtcdAccess, Memory, Redb, Store, StoreError};

use super::Surroundings;
use crate::problem::{Answer, because};

/// A registry that is about to be.
#[derive(Debug)]
pub(super) struct Registry {
    /// Who founds it.
    pub(super) by: NodeId,
    /// What founds it.
    pub(super) command: Command,
    /// An etcd that is to keep it; else a file does.
    pub(super) etcd: Option<EtcdAccess>,
}

impl Registry {
    /// Writes it, in place of what an interrupted founding has left on this host.
    pub(super) async fn write(&self, around: &Surroundings) -> Answer<()> {
        let txn = self.first_step()?;
        around
            .disk
            .clear()
            .map_err(|e| because(ProblemKind::Internal, "clear old state", &e, e.hint()))?;
        match &self.etcd {
            Some(access) => in_etcd(access, txn, around).await,
            None => {
                let store = Redb::open(&around.disk.manager_store()).map_err(|e| unwritten(&e))?;
                store.commit(txn).await.map(drop).map_err(|e| unwritten(&e))
            }
        }
    }

    fn first_step(&self) -> Answer<Txn> {
        let (in_use, resting) = <_>::default();
        let (view, by) = (&View::default(), self.by);
        let situation = Situation { view, by, in_use: &in_use, resting: &resting };
        let decided = decide(&situation, &self.command, &mut rand::random);
        decided.map(|decision| decision.txn).map_err(|refused| {
            let what = "the cluster cannot be founded";
            because(ProblemKind::BadInput, what, &refused, refused.hint())
        })
    }
}

/// There as a whole or not at all; and remembered, so that this host starts without etcd, too.
async fn in_etcd(access: &EtcdAccess, txn: Txn, around: &Surroundings) -> Answer<()> {
    let draft = Memory::new();
    draft.commit(txn).await.map_err(|e| unwritten(&e))?;
    let first = draft.range("/").await.map_err(|e| unwritten(&e))?;
    let etcd = Etcd::found(access, &first).await.map_err(|error| {
        let kind = match &error {
            StoreError::Etcd(_) => ProblemKind::Unavailable,
            _ => ProblemKind::Internal,
        };
        because(kind, "the registry cannot be kept in that etcd", &error, error.hint())
    })?;
    let founded = etcd.range("/").await.map_err(|e| unwritten(&e))?;
    around
        .disk
        .remember(&founded)
        .map_err(|e| because(ProblemKind::Internal, "remember the registry", &e, e.hint()))
}

fn unwritten(error: &StoreError) -> weft_api::ApiProblem {
    because(ProblemKind::Internal, "write the registry", error, error.hint())
}
