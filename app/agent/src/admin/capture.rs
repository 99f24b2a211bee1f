//! `/v1/capture`: the frames of an endpoint, from whichever host it is on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use futures::stream;
use weft_api::{ApiProblem, CaptureQuestion, FrameView};
use weft_model::{EndpointId, NodeId};

use super::endpoint::find;
use super::events::unanswered;
use super::json::Refused;
use super::lines::{TYPE, line};
use crate::agent::Agent;
use crate::captures::{Batch, HEAD};
use crate::inspect::{Inquiry, Inspector};
use crate::member::Member;
use crate::problem::Answer;

/// Pause before it is looked again whether a frame has come.
const PAUSE: Duration = Duration::from_millis(50);

/// The frames of an endpoint as they pass, one a line, until nobody reads any more.
#[utoipa::path(get, path = "/v1/capture", params(CaptureQuestion),
    responses((status = 200, body = FrameView, content_type = "application/x-ndjson"),
        (status = "default", body = ApiProblem)))]
pub(super) async fn capture(
    State(agent): State<Arc<Agent>>,
    Query(question): Query<CaptureQuestion>,
) -> Result<Response, Refused> {
    let member = agent.need()?;
    let (owner, endpoint) = whose(&member, &question.endpoint).await?;
    let begin = Inquiry::Capture { endpoint, bytes: question.bytes.unwrap_or(HEAD) };
    let id = member.inspector.ask(owner, &begin).await.map_err(unanswered)?;
    let inspector = member.inspector.clone();
    let batches = stream::unfold(false, move |ended| {
        let inspector = inspector.clone();
        async move { if ended { None } else { Some(next(&inspector, owner, id).await) } }
    });
    let frames = batches.flat_map(stream::iter);
    let lines = frames.filter_map(async |frame| Some(Ok::<_, Infallible>(line(&frame)?)));
    Ok(([(header::CONTENT_TYPE, TYPE)], Body::from_stream(lines)).into_response())
}

/// The endpoint that is meant, and its host. A host knows the networks that it takes part in; of
/// the others each endpoint's own host is asked.
async fn whose(member: &Member, reference: &str) -> Answer<(NodeId, EndpointId)> {
    let picture = member.fabric.state.picture();
    let unknown = match find(&picture, reference) {
        Ok(row) => return Ok((row.owner, row.endpoint.id)),
        Err(unknown) => unknown,
    };
    let others = picture.view.nodes().keys().copied().filter(|id| *id != picture.me.id);
    let inquiry = Inquiry::Whose { reference: reference.to_owned() };
    let answers = member.inspector.ask_all::<Option<EndpointId>>(others, &inquiry).await;
    let mut found = answers.into_iter().filter_map(|(node, answer)| Some((node, answer.ok()??)));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(unknown),
    }
}

/// What has come by, and whether that was the end: a host that does not answer ends it, too.
async fn next(inspector: &Inspector, owner: NodeId, id: u64) -> (Vec<FrameView>, bool) {
    loop {
        let taken = inspector.ask::<Batch>(owner, &Inquiry::Frames { id }).await;
        let Ok(Batch { frames, ended }) = taken else { return (Vec::new(), true) };
        if ended || !frames.is_empty() {
            return (frames, ended);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
