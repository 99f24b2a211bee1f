//! What other nodes want: sorted by who answers.

use std::net::{IpAddr, SocketAddr};

use tokio::sync::{mpsc, oneshot};
use weft_model::{NetworkId, NodeId, Role};
use weft_store::Asker;
use weft_transport::{MeshEvent, Request, Response};

use crate::fabric::Fabric;
use crate::inspect::Desk;
use crate::metrics::Counters;
use crate::office::{Office, Tenure, give_authority};
use crate::registry::{Refusal, Verdict, stream};
use crate::state::Heard;
use crate::strangers::Strangers;

/// Sorts events until the mesh is gone.
pub(crate) async fn sort(
    mut events: mpsc::Receiver<MeshEvent>,
    heard: mpsc::Sender<Heard>,
    desk: Desk,
    tenure: Tenure,
    mut strangers: Strangers,
) {
    while let Some(event) = events.recv().await {
        let told = match event {
            MeshEvent::Up(node) => Heard::Up(node),
            MeshEvent::Down(node) => Heard::Down(node),
            MeshEvent::Disowned(node) => Heard::Disowned(node),
            MeshEvent::Message(node, message) => Heard::Message(node, message),
            MeshEvent::Membership(node, bytes) => Heard::Membership(node, bytes),
            MeshEvent::Refused(stranger) => {
                strangers.tell(stranger);
                match (stranger.node, stranger.why) {
                    (Some(by), weft_transport::Refusal::OwnClone) => Heard::Doubled(by),
                    _ => continue,
                }
            }
            other => {
                serve(other, &desk, tenure.office(), strangers.counters());
                continue;
            }
        };
        if heard.send(told).await.is_err() {
            return;
        }
    }
}

/// Requests are answered by tasks of their own: one that waits delays no other.
fn serve(event: MeshEvent, desk: &Desk, office: Option<Office>, counters: &Counters) {
    match (event, office) {
        (MeshEvent::Asked(by, Request::Cede { network, address }, reply), _) => {
            tokio::spawn(cede(by, (network, address), desk.fabric.clone(), reply));
        }
        (MeshEvent::Asked(_by, Request::Inspect { question }, reply), _) => {
            let desk = desk.clone();
            // The asker may have given up.
            tokio::spawn(async move { drop(reply.send(desk.respond(&question).await)) });
        }
        (MeshEvent::Asked(by, Request::Consensus { message }, reply), Some(office)) => {
            let manages = is_manager(&desk.fabric, by);
            tokio::spawn(consult(Asker { node: by, manages }, message, office, reply));
        }
        (MeshEvent::Asked(by, request, reply), office) => {
            tokio::spawn(answer(by, request, office, reply));
        }
        (MeshEvent::Joining(from, request, reply), Some(office)) => {
            let counters = counters.clone();
            tokio::spawn(async move { join(from, request, office, (reply, counters)).await });
        }
        (MeshEvent::Watch(_by, after, out), Some(office)) => {
            let manager = office.manager;
            tokio::spawn(stream(manager.store(), manager.backing(), after, out));
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
                Err(refusal) => refused(refusal),
            }
        }
        (Request::Authority, Some(office)) => give_authority(&office, by).await,
        (Request::Renew { csr_der }, Some(office)) => {
            office.admission.renew(by, &csr_der, &office.manager).await
        }
        (_, _) => Response::NotManager { managers: Vec::new() },
    };
    // The asker may have given up.
    drop(reply.send(response));
}

fn refused(Refusal { error, hint, verdict }: Refusal) -> Response {
    match verdict {
        Verdict::No => Response::Refused { error, hint },
        Verdict::NotNow => Response::Failed { error, hint, perhaps: false },
        Verdict::Perhaps => Response::Failed { error, hint, perhaps: true },
    }
}

fn is_manager(fabric: &Fabric, node: NodeId) -> bool {
    fabric.view().node(node).is_some_and(|node| node.role == Role::Manager)
}

/// Another manager says something about the common log.
async fn consult(by: Asker, message: Vec<u8>, office: Office, reply: oneshot::Sender<Response>) {
    // Whoever asks one that keeps no log any more gets no answer.
    let backing = office.backing();
    let Some(raft) = backing.raft() else { return };
    let answer = raft.serve(by, &message).await;
    // The asker may have given up.
    drop(reply.send(Response::Consensus { answer }));
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
    (reply, counters): (oneshot::Sender<weft_transport::JoinAnswer>, Counters),
) {
    let name = request.name.clone();
    let answer = office.admission.admit(from, request, &office.manager).await;
    match &answer {
        Ok(admitted) => {
            let role = if admitted.node.role == Role::Manager { "manager" } else { "worker" };
            tracing::info!(node = %admitted.node.id, name = %name, role, "a host joined");
        }
        Err(refused) => {
            counters.refused("join");
            let hint = &refused.hint;
            tracing::warn!(%from, name = %name, error = refused.error, hint, "a host was not let in");
        }
    }
    drop(reply.send(answer));
}
