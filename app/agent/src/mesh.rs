//! What other nodes want: sorted by who answers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use weft_model::{NetworkId, NodeId, Role};
use weft_transport::{MeshEvent, Request, Response};

use crate::admission::Admission;
use crate::fabric::Fabric;
use crate::registry::{Manager, stream};
use crate::state::Heard;

/// What a manager has beyond other nodes.
#[derive(Clone, Debug)]
pub(crate) struct Office {
    /// The registry's writer.
    pub(crate) manager: Manager,
    /// Lets hosts in.
    pub(crate) admission: Arc<Admission>,
}

/// Sorts events until the mesh is gone.
pub(crate) async fn sort(
    mut events: mpsc::Receiver<MeshEvent>,
    heard: mpsc::Sender<Heard>,
    fabric: Fabric,
    office: Option<Office>,
) {
    while let Some(event) = events.recv().await {
        let told = match event {
            MeshEvent::Up(node) => Heard::Up(node),
            MeshEvent::Down(node) => Heard::Down(node),
            MeshEvent::Message(node, message) => Heard::Message(node, message),
            other => {
                serve(other, &fabric, office.as_ref());
                continue;
            }
        };
        if heard.send(told).await.is_err() {
            return;
        }
    }
}

/// Requests are answered by tasks of their own: one that waits delays no other.
fn serve(event: MeshEvent, fabric: &Fabric, office: Option<&Office>) {
    match (event, office.cloned()) {
        (MeshEvent::Asked(by, Request::Cede { network, address }, reply), _) => {
            tokio::spawn(cede(by, (network, address), fabric.clone(), reply));
        }
        (MeshEvent::Asked(by, request, reply), office) => {
            tokio::spawn(answer(by, request, office, reply));
        }
        (MeshEvent::Joining(from, request, reply), Some(office)) => {
            tokio::spawn(async move { join(from, request, office, reply).await });
        }
        (MeshEvent::Watch(_by, after, out), Some(office)) => {
            tokio::spawn(stream(office.manager.store(), after, out));
        }
        // Dropping the reply tells the other side that this node does not serve it.
        _ => {}
    }
}

async fn answer(
    by: NodeId,
    request: Request,
    office: Option<Office>,
    reply: oneshot::Sender<Response>,
) {
    let response = match (request, office) {
        (Request::Command(command), Some(office)) => {
            match office.manager.command(by, command).await {
                Ok((outcome, revision)) => Response::Outcome(outcome, revision),
                Err(refusal) => Response::Refused { error: refusal.error, hint: refusal.hint },
            }
        }
        (Request::Renew { csr_der }, Some(office)) => office.admission.renew(by, &csr_der),
        (_, _) => Response::NotManager { managers: Vec::new() },
    };
    // The asker may have given up.
    drop(reply.send(response));
}

/// Any node may be asked for an address of its own.
async fn cede(
    by: NodeId,
    (network, address): (NetworkId, IpAddr),
    fabric: Fabric,
    reply: oneshot::Sender<Response>,
) {
    let response = match fabric.cede(network, address, by).await {
        Ok(outcome) => {
            tracing::info!(%network, %address, node = %by, "an address goes to another node");
            Response::Outcome(outcome, fabric.view().revision())
        }
        Err(problem) => Response::Refused { error: problem.error, hint: problem.hint },
    };
    // The asker may have given up; the address is its own all the same.
    drop(reply.send(response));
}

async fn join(
    from: SocketAddr,
    request: weft_transport::JoinRequest,
    office: Office,
    reply: oneshot::Sender<weft_transport::JoinAnswer>,
) {
    let name = request.name.clone();
    let answer = office.admission.admit(from, request, &office.manager).await;
    match &answer {
        Ok(admitted) => {
            let role = if admitted.node.role == Role::Manager { "manager" } else { "worker" };
            tracing::info!(node = %admitted.node.id, name = %name, role, "a host joined");
        }
        Err(refused) => {
            tracing::warn!(%from, name = %name, error = refused.error, "a host was not let in");
        }
    }
    drop(reply.send(answer));
}
