//! `/v1/ca`: the CA that all nodes' certificates are of.

use std::sync::Arc;

use axum::extract::State;
use weft_api::{ApiProblem, CaRetire, CaView, ProblemKind};
use weft_registry::Command;

use super::json::{Json, Reply};
use crate::agent::Agent;
use crate::member::Member;
use crate::problem::{Answer, no_member, problem};

/// The cluster's CA.
#[utoipa::path(get, path = "/v1/ca",
    responses((status = 200, body = CaView), (status = "default", body = ApiProblem)))]
pub(super) async fn show(State(agent): State<Arc<Agent>>) -> Reply<CaView> {
    Ok(Json(view(&*agent.need()?)?))
}

/// Makes another CA the cluster's; nodes renew by themselves, join tokens change.
#[utoipa::path(post, path = "/v1/ca/rotate",
    responses((status = 200, body = CaView), (status = "default", body = ApiProblem)))]
pub(super) async fn rotate(State(agent): State<Arc<Agent>>) -> Reply<CaView> {
    let member = agent.need()?;
    let Some(office) = member.tenure.office() else {
        let hint = "run this on a manager: weft node ls";
        return Err(problem(ProblemKind::Denied, "only managers have the CA's key", hint).into());
    };
    crate::ca::rotate(agent.disk(), &office, &member.fabric.registry).await?;
    Ok(Json(view(&member)?))
}

/// Ends the trust in the CA before the present one.
#[utoipa::path(post, path = "/v1/ca/retire", request_body = CaRetire,
    responses((status = 200, body = CaView), (status = "default", body = ApiProblem)))]
pub(super) async fn retire(
    State(agent): State<Arc<Agent>>,
    Json(asked): Json<CaRetire>,
) -> Reply<CaView> {
    let member = agent.need()?;
    member.fabric.registry.command(Command::RetireCa { force: asked.force }).await?;
    Ok(Json(view(&member)?))
}

fn view(member: &Member) -> Answer<CaView> {
    let registry = member.fabric.view();
    let cluster = registry.cluster().ok_or_else(no_member)?;
    let hash = |pem: &str| {
        let certificates = weft_identity::certificates(pem).unwrap_or_default();
        certificates.first().map(|certificate| weft_identity::fingerprint(certificate))
    };
    let former = cluster.former_ca_pem.as_deref();
    let waiting = registry.uncertified(cluster.ca_generation).filter(|_| former.is_some());
    Ok(CaView {
        sha256: hash(&cluster.ca_pem).unwrap_or_default(),
        generation: cluster.ca_generation,
        former_sha256: former.and_then(hash),
        waiting: waiting.map(|node| node.name.to_string()).collect(),
    })
}
