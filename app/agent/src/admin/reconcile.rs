//! `/v1/reconcile`: whether this host's kernel is kept as it should be.

use std::sync::Arc;

use axum::extract::State;
use weft_api::{ApiProblem, Done};
use weft_events::Change;

use super::json::{Json, Reply};
use crate::agent::Agent;

/// Leaves the kernel as it is until told otherwise, or until the agent starts again.
#[utoipa::path(post, path = "/v1/reconcile/pause",
    responses((status = 200, body = Done), (status = "default", body = ApiProblem)))]
pub(super) async fn pause(State(agent): State<Arc<Agent>>) -> Reply<Done> {
    agent.need()?.fabric.pause.set(true);
    agent.events().note(Change::ReconcilePaused);
    Ok(Json(Done {}))
}

/// Goes on with what was paused.
#[utoipa::path(post, path = "/v1/reconcile/resume",
    responses((status = 200, body = Done), (status = "default", body = ApiProblem)))]
pub(super) async fn resume(State(agent): State<Arc<Agent>>) -> Reply<Done> {
    agent.need()?.fabric.pause.set(false);
    agent.events().note(Change::ReconcileResumed);
    Ok(Json(Done {}))
}
