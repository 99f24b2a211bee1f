//! `/v1/status`: the node at a glance.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use weft_api::{
    ApiProblem, ClusterView, DegradedView, DockerView, FailureView, ReconcileView, Status,
};
use weft_model::Hop;

use super::json::{Json, Reply};
use super::node::view_of;
use crate::agent::Agent;
use crate::member::Member;
use crate::reconcile::Reconciled;

/// The node at a glance.
#[utoipa::path(get, path = "/v1/status",
    responses((status = 200, body = Status), (status = "default", body = ApiProblem)))]
pub(super) async fn status(State(agent): State<Arc<Agent>>) -> Reply<Status> {
    Ok(Json(now(&agent)))
}

/// The status at this moment.
pub(super) fn now(agent: &Agent) -> Status {
    let member = agent.member();
    let picture = member.as_ref().map(|member| member.fabric.state.picture());
    let engine = agent.engine();
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node: picture.as_ref().map(|picture| view_of(picture, &picture.me)),
        cluster: member.as_ref().and_then(|member| cluster(member)),
        engine: "bridge".to_owned(),
        reconcile: member.as_ref().and_then(|m| m.last_pass()).map(reconcile).unwrap_or_default(),
        networks: picture.as_ref().map_or(0, |picture| picture.view.networks().len() as u64),
        endpoints: picture.as_ref().map_or(0, |picture| picture.attachments.len() as u64),
        docker: DockerView {
            connected: engine.is_some(),
            version: engine,
            degraded: agent.degraded().iter().map(|d| d.refusal.to_string()).collect(),
        },
        degraded: degraded(agent, member.as_deref()),
    }
}

fn cluster(member: &Member) -> Option<ClusterView> {
    let view = member.fabric.view();
    view.cluster().map(|cluster| ClusterView {
        id: cluster.id.clone(),
        name: cluster.name.clone(),
        vxlan_port: cluster.vxlan_port,
        manager_reachable: member.fabric.registry.fresh(),
    })
}

fn reconcile(pass: Reconciled) -> ReconcileView {
    let failures: Vec<FailureView> = pass
        .failures
        .into_iter()
        .map(|failure| FailureView { what: failure.what, why: failure.why, hint: failure.hint })
        .collect();
    ReconcileView {
        last_at: rfc3339(pass.at),
        took_ms: u64::try_from(pass.took.as_millis()).unwrap_or(u64::MAX),
        changes: pass.changes,
        in_sync: failures.is_empty(),
        differences: if failures.is_empty() { Vec::new() } else { pass.differences },
        failures,
    }
}

fn rfc3339(at: SystemTime) -> Option<String> {
    OffsetDateTime::from(at).format(&Rfc3339).ok()
}

fn degraded(agent: &Agent, member: Option<&Member>) -> Vec<DegradedView> {
    let mut degraded: Vec<DegradedView> = agent
        .degraded()
        .into_iter()
        .map(|trouble| DegradedView {
            hop: None,
            reason: trouble.refusal.to_string(),
            hint: trouble.refusal.hint().to_owned(),
        })
        .collect();
    if member.is_some_and(|member| !member.fabric.registry.fresh()) {
        degraded.push(DegradedView {
            hop: None,
            reason: "no manager answers: the registry cannot be changed".to_owned(),
            hint: "see which node is away: weft node ls".to_owned(),
        });
    }
    let failures = member.and_then(Member::last_pass).map(|pass| pass.failures).unwrap_or_default();
    degraded.extend(failures.into_iter().map(|failure| DegradedView {
        hop: Some(Hop::Deliver),
        reason: format!("{}: {}", failure.what, failure.why),
        hint: failure.hint,
    }));
    degraded
}
