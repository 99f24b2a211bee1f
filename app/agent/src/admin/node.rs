//! `/v1/nodes`: the cluster's hosts.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use weft_api::{ApiProblem, Done, NodeRemove, NodeView, Standing};
use weft_model::{Node, NodeId};
use weft_registry::Command;

use super::json::{Json, Reply};
use crate::agent::Agent;
use crate::problem::{Answer, not_found};
use crate::state::Picture;

/// All nodes.
#[utoipa::path(get, path = "/v1/nodes",
    responses((status = 200, body = Vec<NodeView>), (status = "default", body = ApiProblem)))]
pub(super) async fn list(State(agent): State<Arc<Agent>>) -> Reply<Vec<NodeView>> {
    let picture = agent.need()?.fabric.state.picture();
    Ok(Json(picture.view.nodes().values().map(|node| view_of(&picture, node)).collect()))
}

/// One node.
#[utoipa::path(get, path = "/v1/nodes/{reference}", params(("reference" = String, Path)),
    responses((status = 200, body = NodeView), (status = "default", body = ApiProblem)))]
pub(super) async fn inspect(
    State(agent): State<Arc<Agent>>,
    Path(reference): Path<String>,
) -> Reply<NodeView> {
    let picture = agent.need()?.fabric.state.picture();
    let node = find(&picture, &reference)?;
    Ok(Json(view_of(&picture, node)))
}

/// Removes a node from the cluster.
#[utoipa::path(delete, path = "/v1/nodes/{reference}",
    params(("reference" = String, Path), NodeRemove),
    responses((status = 200, body = Done), (status = "default", body = ApiProblem)))]
pub(super) async fn remove(
    State(agent): State<Arc<Agent>>,
    Path(reference): Path<String>,
    Query(asked): Query<NodeRemove>,
) -> Reply<Done> {
    let fabric = agent.need()?.fabric.clone();
    let id = find(&fabric.state.picture(), &reference)?.id;
    fabric.registry.command(Command::RemoveNode { id, force: asked.force }).await?;
    Ok(Json(Done {}))
}

fn find<'a>(picture: &'a Picture, reference: &str) -> Answer<&'a Node> {
    let nodes = picture.view.nodes();
    if let Some(node) = nodes.values().find(|node| node.name.as_str() == reference) {
        return Ok(node);
    }
    let mut begun = nodes.values().filter(|node| node.id.to_string().starts_with(reference));
    match (begun.next(), begun.next()) {
        (Some(node), None) if !reference.is_empty() => Ok(node),
        _ => Err(not_found("node", reference)),
    }
}

/// A node as people see it.
pub(super) fn view_of(picture: &Picture, node: &Node) -> NodeView {
    let endpoints = picture.facts.endpoints.values().filter(|row| row.owner == node.id).count();
    NodeView {
        id: node.id,
        name: node.name.clone(),
        role: node.role,
        vtep: node.vtep,
        control: node.control,
        standing: standing(picture, node.id),
        endpoints: endpoints as u64,
    }
}

/// Whether a node is up, as seen from here.
pub(super) fn standing(picture: &Picture, id: NodeId) -> Standing {
    if id == picture.me.id {
        return Standing::Own;
    }
    match picture.standings.get(&id) {
        Some(weft_membership::Standing::Up) => Standing::Up,
        Some(weft_membership::Standing::Unreachable { .. }) => Standing::Unreachable,
        Some(weft_membership::Standing::Down { .. }) | None => Standing::Down,
    }
}
