//! `/v1/endpoints`: what is attached, as far as this node knows.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use weft_api::{ApiProblem, EndpointFilter, EndpointKind, EndpointView, Standing};
use weft_path::Located;
use weft_plan::IfName;

use super::json::{Json, Reply};
use super::node::standing;
use crate::agent::Agent;
use crate::local::Workload;
use crate::problem::{Answer, not_found};
use crate::state::Picture;

/// The endpoints of one network or of all.
#[utoipa::path(get, path = "/v1/endpoints", params(EndpointFilter),
    responses((status = 200, body = Vec<EndpointView>), (status = "default", body = ApiProblem)))]
pub(super) async fn list(
    State(agent): State<Arc<Agent>>,
    Query(filter): Query<EndpointFilter>,
) -> Reply<Vec<EndpointView>> {
    let fabric = agent.need()?.fabric.clone();
    let network = filter.network.map(|reference| fabric.network(&reference)).transpose()?;
    let picture = fabric.state.picture();
    let wanted = picture.facts.endpoints.values();
    let wanted = wanted.filter(|row| network.as_ref().is_none_or(|n| n.id == row.network));
    Ok(Json(wanted.map(|row| view_of(&picture, row)).collect()))
}

/// One endpoint.
#[utoipa::path(get, path = "/v1/endpoints/{reference}", params(("reference" = String, Path)),
    responses((status = 200, body = EndpointView), (status = "default", body = ApiProblem)))]
pub(super) async fn inspect(
    State(agent): State<Arc<Agent>>,
    Path(reference): Path<String>,
) -> Reply<EndpointView> {
    let picture = agent.need()?.fabric.state.picture();
    let row = find(&picture, &reference)?;
    Ok(Json(view_of(&picture, row)))
}

/// An endpoint by name, `name.network`, address, id, or the unambiguous beginning of an id.
pub(crate) fn find<'a>(picture: &'a Picture, reference: &str) -> Answer<&'a Located> {
    let rows = || picture.facts.endpoints.values();
    let named = |row: &&Located| row.endpoint.names().any(|name| name.as_str() == reference);
    let addressed =
        |row: &&Located| row.endpoint.addresses.iter().any(|a| a.to_string() == reference);
    let begun = |row: &&Located| {
        !reference.is_empty() && row.endpoint.id.to_string().starts_with(reference)
    };
    let qualified = |row: &&Located| {
        reference.rsplit_once('.').is_some_and(|(name, network)| {
            let of = picture.view.network(row.network).and_then(|n| n.name.as_ref());
            of.is_some_and(|of| of.as_str() == network)
                && row.endpoint.names().any(|known| known.as_str() == name)
        })
    };
    one(rows().filter(named))
        .or_else(|| one(rows().filter(qualified)))
        .or_else(|| one(rows().filter(addressed)))
        .or_else(|| one(rows().filter(begun)))
        .ok_or_else(|| not_found("endpoint", reference))
}

fn one<'a>(mut rows: impl Iterator<Item = &'a Located>) -> Option<&'a Located> {
    match (rows.next(), rows.next()) {
        (Some(row), None) => Some(row),
        _ => None,
    }
}

/// An endpoint as people see it.
pub(super) fn view_of(picture: &Picture, row: &Located) -> EndpointView {
    let here = picture.attachments.get(&row.endpoint.id);
    let network = picture.view.network(row.network).and_then(|network| network.name.clone());
    let node = picture.view.node(row.owner).map(|node| node.name.to_string());
    EndpointView {
        id: row.endpoint.id,
        name: row.endpoint.name.clone(),
        aliases: row.endpoint.aliases.iter().cloned().collect(),
        network: network.map_or_else(|| row.network.short(), |name| name.to_string()),
        network_id: row.network,
        addresses: row.endpoint.addresses.clone(),
        mac: row.endpoint.mac,
        node: node.unwrap_or_else(|| row.owner.short()),
        node_id: row.owner,
        kind: match here.map(|attachment| &attachment.workload) {
            Some(Workload::Docker { .. }) => EndpointKind::Docker,
            Some(Workload::Plain { .. }) => EndpointKind::Plain,
            None => EndpointKind::Remote,
        },
        standing: match standing(picture, row.owner) {
            Standing::Own => Standing::Up,
            other => other,
        },
        interface: here.map(|_attachment| IfName::port(row.endpoint.id).to_string()),
    }
}
