//! `/v1/networks`: overlay networks.

use std::sync::Arc;

use axum::extract::{Path, State};
use weft_api::{ApiProblem, BlockView, Done, NetworkCreate, NetworkView, ProblemKind};
use weft_model::{Mtu, Name, Network, NetworkId, Vni};
use weft_registry::NetworkRequest;

use super::json::{Json, Reply};
use crate::agent::Agent;
use crate::problem::{Answer, because};
use crate::state::Picture;

/// All networks.
#[utoipa::path(get, path = "/v1/networks",
    responses((status = 200, body = Vec<NetworkView>), (status = "default", body = ApiProblem)))]
pub(super) async fn list(State(agent): State<Arc<Agent>>) -> Reply<Vec<NetworkView>> {
    let fabric = agent.need()?.fabric.clone();
    let picture = fabric.state.picture();
    Ok(Json(picture.view.networks().values().map(|n| view_of(&picture, n)).collect()))
}

/// One network.
#[utoipa::path(get, path = "/v1/networks/{reference}", params(("reference" = String, Path)),
    responses((status = 200, body = NetworkView), (status = "default", body = ApiProblem)))]
pub(super) async fn inspect(
    State(agent): State<Arc<Agent>>,
    Path(reference): Path<String>,
) -> Reply<NetworkView> {
    let fabric = agent.need()?.fabric.clone();
    let network = fabric.network(&reference)?;
    Ok(Json(view_of(&fabric.state.picture(), &network)))
}

/// Makes a network on every host.
#[utoipa::path(post, path = "/v1/networks", request_body = NetworkCreate,
    responses((status = 200, body = NetworkView), (status = "default", body = ApiProblem)))]
pub(super) async fn create(
    State(agent): State<Arc<Agent>>,
    Json(asked): Json<NetworkCreate>,
) -> Reply<NetworkView> {
    let fabric = agent.need()?.fabric.clone();
    let network = fabric.create_network(request(asked)?).await?;
    Ok(Json(view_of(&fabric.state.picture(), &network)))
}

/// Removes a network that nobody uses.
#[utoipa::path(delete, path = "/v1/networks/{reference}", params(("reference" = String, Path)),
    responses((status = 200, body = Done), (status = "default", body = ApiProblem)))]
pub(super) async fn remove(
    State(agent): State<Arc<Agent>>,
    Path(reference): Path<String>,
) -> Reply<Done> {
    let fabric = agent.need()?.fabric.clone();
    let network = fabric.network(&reference)?;
    fabric.remove_network(network.id).await?;
    Ok(Json(Done {}))
}

fn request(asked: NetworkCreate) -> Answer<NetworkRequest> {
    let name = Name::label(asked.name.as_str()).map_err(|error| {
        because(ProblemKind::BadInput, "the network cannot have this name", &error, NAME_HINT)
    })?;
    let vni = asked.vni.map(Vni::try_from).transpose().map_err(|error| {
        because(
            ProblemKind::BadInput,
            "the VNI is of no use",
            &error,
            "leave it out: one is chosen",
        )
    })?;
    let mtu = asked.mtu.map(Mtu::try_from).transpose().map_err(|error| {
        because(
            ProblemKind::BadInput,
            "the MTU is of no use",
            &error,
            "leave it out: it is measured",
        )
    })?;
    Ok(NetworkRequest {
        id: NetworkId::from_random(rand::random()),
        name: Some(name),
        subnet: asked.subnet,
        gateway: asked.gateway,
        reserved: std::collections::BTreeSet::new(),
        vni,
        mtu,
        internal: asked.internal,
        options: asked.options,
        labels: asked.labels,
        avoid: Vec::new(),
    })
}

const NAME_HINT: &str = "choose a name of letters, digits and `-`, such as `app`";

fn view_of(picture: &Picture, network: &Network) -> NetworkView {
    let node =
        |id| picture.view.node(id).map_or_else(|| id.to_string(), |node| node.name.to_string());
    let blocks = picture.view.blocks(network.id);
    let participants = picture.in_use.get(&network.id).into_iter().flatten();
    NetworkView {
        id: network.id,
        name: network.name.clone(),
        vni: network.vni.number(),
        subnets: network.subnets.iter().map(|subnet| subnet.range).collect(),
        mtu: network.mtu.unwrap_or(picture.facts.inner_mtu).into(),
        internal: network.internal,
        options: network.options.clone(),
        labels: network.labels.clone(),
        gateway: network.subnets.first().map(|subnet| subnet.gateway),
        participants: participants
            .filter_map(|id| picture.view.node(*id).map(|node| node.name.clone()))
            .collect(),
        endpoints: picture.facts.endpoints_of(network.id).count() as u64,
        blocks: blocks.map(|b| BlockView { range: b.range, node: node(b.owner) }).collect(),
        created: None,
    }
}
