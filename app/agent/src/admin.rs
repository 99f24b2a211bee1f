//! The admin API: HTTP and JSON on a unix socket, described by an `OpenAPI` document made from this
//! code. The command line is a client of it and of nothing else.

mod attachment;
mod cluster;
mod endpoint;
mod json;
mod network;
mod node;
mod path;
mod serve;
mod status;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::agent::Agent;

pub(crate) use serve::serve;

#[derive(OpenApi)]
#[openapi(info(title = "Weft", description = "One network for containers on many hosts"))]
struct Document;

/// All routes, and the document that describes them.
fn routes() -> (Router<Arc<Agent>>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(of_the_cluster())
        .merge(of_networks())
        .split_for_parts()
}

fn of_the_cluster() -> OpenApiRouter<Arc<Agent>> {
    OpenApiRouter::new()
        .routes(routes!(cluster::init))
        .routes(routes!(cluster::join))
        .routes(routes!(cluster::leave))
        .routes(routes!(token::show))
        .routes(routes!(token::rotate))
        .routes(routes!(status::status))
        .routes(routes!(node::list))
        .routes(routes!(node::inspect, node::remove))
}

fn of_networks() -> OpenApiRouter<Arc<Agent>> {
    OpenApiRouter::new()
        .routes(routes!(network::list, network::create))
        .routes(routes!(network::inspect, network::remove))
        .routes(routes!(endpoint::list))
        .routes(routes!(endpoint::inspect))
        .routes(routes!(attachment::attach))
        .routes(routes!(attachment::detach))
        .routes(routes!(path::walk))
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
