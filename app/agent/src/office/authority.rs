//! The CA's key, which every manager has: a new one gets it from another, over a connection on which
//! both have shown their certificates, and gives it up with its seat.

use std::time::Duration;

use tokio::time::timeout;
use weft_identity::Authority;
use weft_model::{NodeId, Role};
use weft_registry::View;
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
            Response::Authority(Secret(office.admission.authority().pem()))
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

/// Asks `managers` for the CA with its key, one after the other. Only the CA that this node knows is
/// taken for it.
pub(crate) async fn ask_authority(
    mesh: &MeshHandle,
    managers: &[NodeId],
    ca_pem: &str,
) -> Option<String> {
    for manager in managers {
        match timeout(PATIENCE, mesh.request(*manager, Request::Authority)).await {
            Ok(Ok(Response::Authority(Secret(pem)))) if is_of(&pem, ca_pem) => return Some(pem),
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
    disk.amend(|membership| membership.authority_pem = None)?;
    disk.clear_manager_store()
}
