//! The admin API: HTTP and JSON on a unix socket, described by an `OpenAPI` document made from this
//! code. The command line is a client of it and of nothing else.

mod attachment;
mod backup;
mod ca;
mod capture;
mod cluster;
mod doctor;
mod drops;
mod endpoint;
mod events;
mod identity;
mod json;
mod lines;
mod network;
mod node;
mod path;
mod reconcile;
mod serve;
mod status;
mod store;
mod tables;
mod token;
mod top;
mod trace;
mod verify;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::agent::Agent;

pub(crate) use endpoint::find;
pub(crate) use serve::serve;

#[derive(OpenApi)]
#[openapi(info(title = "Weft", description = "One network for containers on many hosts"))]
struct Document;

/// All routes, and the document that describes them.
fn routes() -> (Router<Arc<Agent>>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(of_the_cluster())
        .merge(of_what_happens())
        .merge(of_nodes())
        .merge(of_health())
        .merge(of_identities())
        .merge(of_networks())
        .split_for_parts()
}

fn of_the_cluster() -> OpenApiRouter<Arc<Agent>> {
    OpenApiRouter::new()
        .routes(routes!(cluster::init))
        .routes(routes!(cluster::join))
        .routes(routes!(cluster::leave))
        .routes(routes!(backup::backup))
        .routes(routes!(store::show, store::moved))
        .routes(routes!(status::status))
}

fn of_health() -> OpenApiRouter<Arc<Agent>> {
    OpenApiRouter::new()
        .routes(routes!(verify::verify))
        .routes(routes!(doctor::doctor))
        .routes(routes!(reconcile::pause))
        .routes(routes!(reconcile::resume))
}

fn of_nodes() -> OpenApiRouter<Arc<Agent>> {
    OpenApiRouter::new()
        .routes(routes!(node::list))
        .routes(routes!(node::inspect, node::remove))
        .routes(routes!(node::role))
}

fn of_what_happens() -> OpenApiRouter<Arc<Agent>> {
    OpenApiRouter::new()
        .routes(routes!(drops::all))
        .routes(routes!(drops::follow))
        .routes(routes!(events::list))
        .routes(routes!(events::follow))
        .routes(routes!(events::belief))
        .routes(routes!(capture::capture))
        .routes(routes!(top::top))
}

fn of_identities() -> OpenApiRouter<Arc<Agent>> {
    OpenApiRouter::new()
        .routes(routes!(token::show))
        .routes(routes!(token::rotate))
        .routes(routes!(ca::show))
        .routes(routes!(ca::rotate))
        .routes(routes!(ca::retire))
}

fn of_networks() -> OpenApiRouter<Arc<Agent>> {
    OpenApiRouter::new()
        .routes(routes!(network::list, network::create))
        .routes(routes!(network::inspect, network::remove))
        .routes(routes!(tables::tables))
        .routes(routes!(endpoint::list))
        .routes(routes!(endpoint::inspect))
        .routes(routes!(attachment::attach))
        .routes(routes!(attachment::detach))
        .routes(routes!(path::walk))
        .routes(routes!(trace::trace))
}

/// The API as a service.
fn service(agent: Arc<Agent>) -> Router {
    let (router, document) = routes();
    let document = Arc::new(document);
    router
        .route(
            "/v1/openapi.json",
            get(move || {
                let document = Arc::clone(&document);
                async move { axum::Json(utoipa::openapi::OpenApi::clone(&document)) }
            }),
        )
        .fallback(json::unknown)
        .with_state(agent)
}

/// The document that describes the API.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().1
}
