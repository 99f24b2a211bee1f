//! `/v1/nodes`: the cluster's hosts.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use weft_api::{ApiProblem, Done, NodeRemove, NodeView, RoleChange, RoleChanged, Standing};
use weft_model::{Node, NodeId};
use weft_registry::Command;

use super::json::{Json, Reply};
use crate::agent::Agent;
use crate::member::Member;
use crate::office::seats;
use crate::problem::{Answer, not_found};
use crate::state::Picture;

/// All nodes.
#[utoipa::path(get, path = "/v1/nodes",
    responses((status = 200, body = Vec<NodeView>), (status = "default", body = ApiProblem)))]
pub(super) async fn list(State(agent): State<Arc<Agent>>) -> Reply<Vec<NodeView>> {
    let member = agent.need()?;
    let (picture, leader) = (member.fabric.state.picture(), leader(&member));
    let view = |node: &Node| NodeView { leads: leader == Some(node.id), ..view_of(&picture, node) };
    Ok(Json(picture.view.nodes().values().map(view).collect()))
}

/// One node.
#[utoipa::path(get, path = "/v1/nodes/{reference}", params(("reference" = String, Path)),
    responses((status = 200, body = NodeView), (status = "default", body = ApiProblem)))]
pub(super) async fn inspect(
    State(agent): State<Arc<Agent>>,
    Path(reference): Path<String>,
) -> Reply<NodeView> {
    let member = agent.need()?;
    let picture = member.fabric.state.picture();
    let node = find(&picture, &reference)?;
    let leads = leader(&member) == Some(node.id);
    Ok(Json(NodeView { leads, ..view_of(&picture, node) }))
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
    let member = agent.need()?;
    let picture = member.fabric.state.picture();
    let node = find(&picture, &reference)?;
    let in_use = picture.in_use.values().any(|nodes| nodes.contains(&node.id));
    if asked.force || !in_use {
        seats::take_from(&member, node).await?;
    }
    let command = Command::RemoveNode { id: node.id, force: asked.force };
    member.fabric.registry.command(command).await?;
    Ok(Json(Done {}))
}

/// Makes a node a manager, or ceases to.
#[utoipa::path(post, path = "/v1/nodes/{reference}/role", params(("reference" = String, Path)),
    request_body = RoleChange,
    responses((status = 200, body = RoleChanged), (status = "default", body = ApiProblem)))]
pub(super) async fn role(
    State(agent): State<Arc<Agent>>,
    Path(reference): Path<String>,
    Json(asked): Json<RoleChange>,
) -> Reply<RoleChanged> {
    let member = agent.need()?;
    let node = find(&member.fabric.state.picture(), &reference)?.clone();
    let id = node.id;
    let note = seats::set_role(&member, &node, asked.role).await?;
    let followed = member.fabric.registry.followed();
    let picture = member.fabric.state.picture();
    let node = followed.view.node(id).cloned().unwrap_or(Node { role: asked.role, ..node });
    let node = NodeView { leads: followed.leader == Some(id), ..view_of(&picture, &node) };
    Ok(Json(RoleChanged { node, note }))
}

/// The manager that puts changes in order, as far as it is known here.
pub(super) fn leader(member: &Member) -> Option<NodeId> {
    member.fabric.registry.followed().leader
}

/// A node by name, id, or the unambiguous beginning of an id.
pub(super) fn find<'a>(picture: &'a Picture, reference: &str) -> Answer<&'a Node> {
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

/// A node as people see it; who leads is not in the picture.
pub(super) fn view_of(picture: &Picture, node: &Node) -> NodeView {
    let endpoints = picture.facts.endpoints.values().filter(|row| row.owner == node.id).count();
    NodeView {
        id: node.id,
        key: node.key,
        name: node.name.clone(),
        role: node.role,
        leads: false,
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
        Some(weft_membership::Standing::Indirect { .. }) => Standing::Indirect,
        Some(weft_membership::Standing::Down { .. }) | None => Standing::Down,
    }
}
