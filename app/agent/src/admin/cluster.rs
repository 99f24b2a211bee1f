//! `/v1/cluster`: becoming a member and ceasing to be one.

use std::sync::Arc;

use axum::extract::State;
use weft_api::{ApiProblem, ClusterInit, ClusterJoin, ClusterLeave, Done, Status};

use super::json::{Json, Reply};
use super::status::now;
use crate::agent::Agent;

/// Founds a cluster with this host as its manager.
#[utoipa::path(post, path = "/v1/cluster/init", request_body = ClusterInit,
    responses((status = 200, body = Status), (status = "default", body = ApiProblem)))]
pub(super) async fn init(
    State(agent): State<Arc<Agent>>,
    Json(asked): Json<ClusterInit>,
) -> Reply<Status> {
    agent.init(&asked).await?;
    Ok(Json(now(&agent)))
}

/// Joins a cluster.
#[utoipa::path(post, path = "/v1/cluster/join", request_body = ClusterJoin,
    responses((status = 200, body = Status), (status = "default", body = ApiProblem)))]
pub(super) async fn join(
    State(agent): State<Arc<Agent>>,
    Json(asked): Json<ClusterJoin>,
) -> Reply<Status> {
    agent.join(&asked).await?;
    Ok(Json(now(&agent)))
}

/// Leaves the cluster.
#[utoipa::path(post, path = "/v1/cluster/leave", request_body = ClusterLeave,
    responses((status = 200, body = Done), (status = "default", body = ApiProblem)))]
pub(super) async fn leave(
    State(agent): State<Arc<Agent>>,
    Json(asked): Json<ClusterLeave>,
) -> Reply<Done> {
    agent.leave(asked).await?;
    Ok(Json(Done {}))
}
