//! `/v1/doctor`: what is wrong with the hosts and the ways between them.

use std::sync::Arc;

use axum::extract::State;
use weft_api::ApiProblem;
use weft_doctor::Diagnosis;

use super::json::{Json, Reply};
use crate::agent::Agent;

/// Examines every host and the ways between them.
#[utoipa::path(get, path = "/v1/doctor",
    responses((status = 200, body = serde_json::Value), (status = "default", body = ApiProblem)))]
pub(super) async fn doctor(State(agent): State<Arc<Agent>>) -> Reply<Diagnosis> {
    let member = agent.need()?;
    Ok(Json(crate::examine::examine(&member.inspector).await))
}
