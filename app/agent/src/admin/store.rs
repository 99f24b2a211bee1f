//! `/v1/cluster/store`: where the registry is kept.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use tokio::time::{sleep, timeout};
use weft_api::{ApiProblem, ProblemKind, StoreMove, StoreView};
use weft_registry::Keeping;

use super::json::{Json, Reply};
use super::status;
use crate::agent::Agent;
use crate::member::Member;
use crate::office::move_to_etcd;
use crate::problem::{Answer, no_member, problem};

/// How long the manager may take to go on in etcd, once all is there.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

/// Where the registry is kept.
#[utoipa::path(get, path = "/v1/cluster/store",
    responses((status = 200, body = StoreView), (status = "default", body = ApiProblem)))]
pub(super) async fn show(State(agent): State<Arc<Agent>>) -> Reply<StoreView> {
    Ok(Json(view(&*agent.need()?)?))
}

/// Moves it from the managers' disks into an etcd.
#[utoipa::path(post, path = "/v1/cluster/store", request_body = StoreMove,
    responses((status = 200, body = StoreView), (status = "default", body = ApiProblem)))]
pub(super) async fn moved(
    State(agent): State<Arc<Agent>>,
    Json(asked): Json<StoreMove>,
) -> Reply<StoreView> {
    let member = agent.need()?;
    let Some(office) = member.tenure.office() else {
        let hint = "run this on a manager: weft node ls";
        return Err(problem(ProblemKind::Denied, "only managers keep the registry", hint).into());
    };
    let access = crate::etcd::access(&asked.etcd)?;
    move_to_etcd(agent.disk(), &office, &access).await?;
    let arrived = async {
        while !goes_on_in_etcd(&member) {
            sleep(PAUSE).await;
        }
    };
    // Late is no failure: the manager goes on as soon as it can.
    drop(timeout(PATIENCE, arrived).await);
    Ok(Json(view(&member)?))
}

/// This manager has opened the etcd, and what it knows was read there: a view of before may still be
/// confirmed for a moment.
fn goes_on_in_etcd(member: &Member) -> bool {
    let office = member.tenure.office();
    let open = office.is_some_and(|office| office.backing().etcd().is_some());
    let view = member.fabric.view();
    let read = view.cluster().is_some_and(|cluster| cluster.keeping == Keeping::Etcd);
    open && read && member.fabric.registry.fresh()
}

fn view(member: &Member) -> Answer<StoreView> {
    let registry = member.fabric.view();
    let cluster = registry.cluster().ok_or_else(no_member)?;
    Ok(status::store(member, cluster.keeping))
}
