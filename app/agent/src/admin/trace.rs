//! `/v1/trace`: the six hops of a packet, decided and held.

use std::sync::Arc;

use axum::extract::{Query, State};
use weft_api::{ApiProblem, TraceQuestion};
use weft_trace::Trace;

use super::json::{Json, Reply};
use crate::agent::Agent;
use crate::trace::Question;

/// What each hop decides, what the kernels hold, and where the packet ends.
#[utoipa::path(get, path = "/v1/trace", params(TraceQuestion),
    responses((status = 200, body = serde_json::Value), (status = "default", body = ApiProblem)))]
pub(super) async fn trace(
    State(agent): State<Arc<Agent>>,
    Query(asked): Query<TraceQuestion>,
) -> Reply<Trace> {
    let member = agent.need()?;
    let question = Question::try_from(asked)?;
    Ok(Json(crate::trace::trace(&member.inspector, &question).await?))
}
