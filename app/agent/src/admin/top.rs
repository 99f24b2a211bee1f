//! `/v1/top`: what flows on this host or another one.

use std::sync::Arc;

use axum::extract::{Query, State};
use weft_api::{ApiProblem, TopQuestion, TopView};

use super::events::{node, unanswered};
use super::json::{Json, Reply};
use crate::agent::Agent;
use crate::inspect::Inquiry;

/// So long it is measured, in milliseconds, unless somebody wants less.
const MILLIS: u32 = 500;

/// What flows now; the answer comes when it has been measured.
#[utoipa::path(get, path = "/v1/top", params(TopQuestion),
    responses((status = 200, body = TopView), (status = "default", body = ApiProblem)))]
pub(super) async fn top(
    State(agent): State<Arc<Agent>>,
    Query(question): Query<TopQuestion>,
) -> Reply<TopView> {
    let member = agent.need()?;
    let node = node(&member, question.host.as_deref())?;
    let inquiry = Inquiry::Top { millis: question.millis.unwrap_or(MILLIS) };
    Ok(Json(member.inspector.ask(node, &inquiry).await.map_err(unanswered)?))
}
