//! `/v1/attachments`: workloads that are not Docker's.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{Path, State};
use weft_api::{ApiProblem, AttachmentCreate, AttachmentView, Done};

use super::endpoint::{find, view_of};
use super::json::{Json, Reply};
use crate::agent::Agent;
use crate::plain;
use crate::problem::not_found;

/// Attaches a network namespace to a network.
#[utoipa::path(post, path = "/v1/attachments", request_body = AttachmentCreate,
    responses((status = 200, body = AttachmentView), (status = "default", body = ApiProblem)))]
pub(super) async fn attach(
    State(agent): State<Arc<Agent>>,
    Json(asked): Json<AttachmentCreate>,
) -> Reply<AttachmentView> {
    let fabric = agent.need()?.fabric.clone();
    let id = plain::attach(&fabric, agent.egress(), asked).await?;
    let picture = fabric.state.picture();
    let row = picture.facts.endpoints.get(&id);
    let row = row.ok_or_else(|| not_found("endpoint", &id.to_string()))?;
    Ok(Json(AttachmentView {
        endpoint: view_of(&picture, row),
        interface: plain::INTERFACE.to_owned(),
        nameserver: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11)),
    }))
}

/// Detaches a network namespace.
#[utoipa::path(delete, path = "/v1/attachments/{reference}", params(("reference" = String, Path)),
    responses((status = 200, body = Done), (status = "default", body = ApiProblem)))]
pub(super) async fn detach(
    State(agent): State<Arc<Agent>>,
    Path(reference): Path<String>,
) -> Reply<Done> {
    let fabric = agent.need()?.fabric.clone();
    let id = {
        let picture = fabric.state.picture();
        plain::of_this_host(&picture, &reference)
            .map_or_else(|| find(&picture, &reference).map(|row| row.endpoint.id), Ok)?
    };
    plain::detach(&fabric, id).await?;
    Ok(Json(Done {}))
}
