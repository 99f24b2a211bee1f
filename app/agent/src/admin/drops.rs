//! `/v1/drops`: what this host drops, and why.

use std::sync::Arc;

use axum::extract::State;
use weft_api::{ApiProblem, DropView, DropsView};

use super::json::{Json, Refused, Reply};
use super::lines::Lines;
use crate::agent::Agent;

/// What was dropped until now: all of it counted, some of it told.
#[utoipa::path(get, path = "/v1/drops",
    responses((status = 200, body = DropsView), (status = "default", body = ApiProblem)))]
pub(super) async fn all(State(agent): State<Arc<Agent>>) -> Reply<DropsView> {
    Ok(Json(agent.drops().all().await?))
}

/// What is dropped from now on, one a line.
#[utoipa::path(get, path = "/v1/drops/follow",
    responses((status = 200, body = DropView, content_type = "application/x-ndjson"),
        (status = "default", body = ApiProblem)))]
pub(super) async fn follow(State(agent): State<Arc<Agent>>) -> Result<Lines<DropView>, Refused> {
    Ok(Lines(agent.drops().follow().await?))
}
