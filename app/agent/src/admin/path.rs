//! `/v1/path`: the six hops of a packet, told.

use std::sync::Arc;

use axum::extract::{Query, State};
use weft_api::{ApiProblem, PathQuestion};
use weft_path::Journey;

use super::endpoint::find;
use super::json::{Json, Reply};
use crate::agent::Agent;

/// The way of a packet from an endpoint to a name or an address.
#[utoipa::path(get, path = "/v1/path", params(PathQuestion),
    responses((status = 200, body = serde_json::Value), (status = "default", body = ApiProblem)))]
pub(super) async fn walk(
    State(agent): State<Arc<Agent>>,
    Query(question): Query<PathQuestion>,
) -> Reply<Journey> {
    let picture = agent.need()?.fabric.state.picture();
    let from = find(&picture, &question.from)?;
    Ok(Json(weft_path::walk(&picture.facts, from.endpoint.id, &question.to)))
}
