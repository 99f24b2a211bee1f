//! `/v1/cluster/backup`: what the cluster is begun anew with if its managers are lost.

use std::sync::Arc;

use axum::extract::State;
use weft_api::{ApiProblem, BackupView, ProblemKind};
use weft_registry::{Snapshot, View};
use weft_store::StoreError;

use super::json::{Json, Reply};
use crate::agent::Agent;
use crate::backup::Backup;
use crate::office::Office;
use crate::problem::{Answer, because, problem};

/// The registry and a manager's keys, as of one moment.
#[utoipa::path(get, path = "/v1/cluster/backup",
    responses((status = 200, body = BackupView), (status = "default", body = ApiProblem)))]
pub(super) async fn backup(State(agent): State<Arc<Agent>>) -> Reply<BackupView> {
    let member = agent.need()?;
    let Some(office) = member.tenure.office() else { return Err(on_managers().into()) };
    let membership = agent.membership()?;
    let (registry, confirmed) = snapshot(&office).await?;
    let view = View::from_snapshot(&registry)
        .map_err(|e| because(ProblemKind::Internal, "read the registry", &e, e.hint()))?;
    let backup = Backup { membership, registry };
    let text = backup
        .to_text()
        .map_err(|e| because(ProblemKind::Internal, "write the backup", &e, "report this"))?;
    Ok(Json(BackupView {
        text,
        revision: view.revision(),
        nodes: view.nodes().len() as u64,
        networks: view.networks().len() as u64,
        confirmed,
    }))
}

/// What a majority has agreed on; without one, what this manager has heard.
async fn snapshot(office: &Office) -> Answer<(Snapshot, bool)> {
    match office.manager.store().range("/").await {
        Ok(registry) => Ok((registry, true)),
        Err(error) => match office.backing().raft() {
            Some(raft) if error == StoreError::NoMajority => Ok((raft.known("/"), false)),
            _ => Err(because(ProblemKind::Unavailable, "read the registry", &error, error.hint())),
        },
    }
}

fn on_managers() -> ApiProblem {
    let hint = "run this on a manager: weft node ls";
    problem(ProblemKind::Denied, "only managers have what a backup holds", hint)
}
