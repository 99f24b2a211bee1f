//! The CA's key, which every manager has: a new one gets it from another, over a connection on which
//! both have shown their certificates, and gives it up with its seat.

use std::time::Duration;

use tokio::time::timeout;
use weft_identity::Authority;
use weft_model::{NodeId, Role};
use weft_registry::{Keeping, View};
use weft_store::EtcdAccess;
use weft_transport::{MeshHandle, Request, Response, Secret};

use super::Office;
use crate::disk::{Disk, DiskError};

/// How long one manager may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers node `by`, which asks for the key: only managers get it, as the registry says now.
pub(crate) async fn give_authority(office: &Office, by: NodeId) -> Response {
    let registry = office.manager.store().range("/").await;
    let view = registry.ok().and_then(|registry| View::from_snapshot(&registry).ok());
    let Some(view) = view else { return refused("the registry cannot be read now") };
    match view.node(by) {
        Some(node) if node.role == Role::Manager => {
            tracing::info!(node = %by, name = %node.name, "a manager gets the cluster's CA");
            let etcd = office.backing().etcd().and_then(|etcd| serde_json::to_string(etcd).ok());
            let pem = Secret(office.admission.authority().pem());
            Response::Authority { pem, etcd: etcd.map(Secret) }
        }
        _ => {
            tracing::warn!(node = %by, "a node that is no manager asked for the cluster's CA");
            refused("only managers get the cluster's CA")
        }
    }
}

fn refused(why: &str) -> Response {
    let hint = "make it a manager first: weft node promote".to_owned();
    Response::Refused { error: why.to_owned(), hint }
}

/// What one manager gives to another one.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    /// The CA with its key.
    pub(crate) pem: Secret,
    /// How the etcd is reached that keeps the registry, if one does.
    pub(crate) etcd: Option<EtcdAccess>,
}

/// Asks `managers` for the CA with its key, one after the other. Only the CA that this node knows is
/// taken for it. Unless the managers have
/// the registry on their disks, it takes one that knows where it is.
pub(crate) async fn ask_authority(
    mesh: &MeshHandle,
    managers: &[NodeId],
    (ca_pem, keeping): (&str, Keeping),
) -> Option<Deed> {
    for manager in managers {
        match timeout(PATIENCE, mesh.request(*manager, Request::Authority)).await {
            Ok(Ok(Response::Authority { pem, etcd })) if is_of(&pem.0, ca_pem) => {
                let etcd = etcd.and_then(|Secret(etcd)| serde_json::from_str(&etcd).ok());
                if etcd.is_some() || keeping == Keeping::Managers {
                    return Some(Deed { pem, etcd });
                }
            }
            other => tracing::debug!(node = %manager, ?other, "no CA from there"),
        }
    }
    None
}

fn is_of(pem: &str, ca_pem: &str) -> bool {
    Authority::from_pem(pem).is_ok_and(|authority| authority.certificate_pem() == ca_pem)
}

/// Forgets the key, then the registry's file: a file without a key is nobody's.
pub(super) fn resign(disk: &Disk) -> Result<(), DiskError> {
    disk.amend(|membership| (membership.authority_pem, membership.etcd) = (None, None))?;
    disk.clear_manager_store()
}
