//! The cluster's CA is replaced, while everybody goes on talking.
//!
//! The next CA's key is on the manager's disk before the registry names its certificate, and takes
//! the place of the one before when the registry does: whenever the agent dies in between, it
//! knows at its next start which of both it is. Nodes trust both until each has a certificate of
//! the new one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use weft_api::ProblemKind;
use weft_identity::Authority;
use weft_model::Role;
use weft_registry::{Cluster, Command, Keeping};
use weft_transport::MeshHandle;

use crate::disk::Disk;
use crate::member::token_hash;
use crate::office::{Office, Tenure, ask_authority};
use crate::problem::{Answer, because, problem};
use crate::registry::{Commander, Followed, managers};

/// Pause after an attempt that failed.
const PAUSE: Duration = Duration::from_secs(5);

/// Makes another CA the cluster's.
pub(crate) async fn rotate(disk: &Disk, office: &Office, registry: &Commander) -> Answer<()> {
    let next = office.admission.authority().successor().map_err(|error| {
        because(ProblemKind::Internal, "make the next CA", &error, "look at the agent's log")
    })?;
    let kept = disk.amend(|membership| membership.next_authority_pem = Some(next.pem()));
    kept.map_err(|error| {
        because(ProblemKind::Internal, "the next CA's key is not kept", &error, error.hint())
    })?;
    let next = Arc::new(next);
    office.admission.prepare(Arc::clone(&next));
    let tokens = [Role::Worker, Role::Manager].map(|role| token_hash(&next, role, None)).to_vec();
    registry.command(Command::RotateCa { ca_pem: next.certificate_pem(), tokens }).await?;
    // The task below may have been faster; a second time it changes nothing.
    succeed(disk, office, next)
}

/// On managers: takes up the CA that the registry names, and ends the trust in the one before.
#[derive(Debug)]
pub(crate) struct CaKeeper {
    /// Where the CA's key is kept.
    pub(crate) disk: Disk,
    /// Whether this node is a manager.
    pub(crate) tenure: Tenure,
    /// The way to the other managers.
    pub(crate) mesh: MeshHandle,
    /// What the registry says.
    pub(crate) registry: Commander,
    /// Tells when that changes.
    pub(crate) followed: watch::Receiver<Followed>,
}

impl CaKeeper {
    /// Runs until there is no registry to follow.
    pub(crate) async fn run(mut self) {
        loop {
            let view = Arc::clone(&self.followed.borrow_and_update().view);
            let done = match (self.tenure.office(), view.cluster()) {
                (Some(office), Some(cluster)) if self.registry.fresh() => {
                    self.look(&office, cluster).await
                }
                _ => Ok(()),
            };
            if let Err(problem) = done {
                tracing::warn!(error = %problem, hint = problem.hint, "the CA's rotation is not over");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            if self.followed.changed().await.is_err() {
                return;
            }
        }
    }

    async fn look(&self, office: &Office, cluster: &Cluster) -> Answer<()> {
        if office.admission.authority().certificate_pem() != cluster.ca_pem {
            self.take_up(office, cluster).await?;
        }
        let view = self.registry.view();
        let over = view.uncertified(cluster.ca_generation).next().is_none();
        if cluster.former_ca_pem.is_some() && over {
            self.registry.command(Command::RetireCa { force: false }).await?;
            tracing::info!("every host has a certificate of the new CA: the former one is no more");
        }
        Ok(())
    }

    /// The registry names another CA than this manager signs with: the one that was about to come
    /// when the agent ended, or one that another manager has made.
    async fn take_up(&self, office: &Office, cluster: &Cluster) -> Answer<()> {
        let kept = self.disk.membership().map_err(|error| {
            because(ProblemKind::Internal, "read the next CA's key", &error, error.hint())
        })?;
        let own = kept.and_then(|membership| membership.next_authority_pem);
        let own = own.and_then(|pem| Authority::from_pem(&pem).ok());
        if let Some(next) = own.filter(|next| next.certificate_pem() == cluster.ca_pem) {
            return succeed(&self.disk, office, Arc::new(next));
        }
        let others = managers(self.registry.view().nodes(), office.admission.me());
        let wanted = (cluster.ca_pem.as_str(), Keeping::Managers);
        let deed = ask_authority(&self.mesh, &others, wanted).await;
        match deed.and_then(|deed| Authority::from_pem(&deed.pem.0).ok()) {
            Some(next) => succeed(&self.disk, office, Arc::new(next)),
            None => {
                let what = "no manager gives this one the key of the cluster's new CA";
                let hint = "see that the manager runs where it was rotated: weft node ls";
                Err(problem(ProblemKind::Unavailable, what, hint))
            }
        }
    }
}

fn succeed(disk: &Disk, office: &Office, next: Arc<Authority>) -> Answer<()> {
    let pem = next.pem();
    let kept = disk.amend(|membership| {
        membership.authority_pem = Some(pem);
        membership.next_authority_pem = None;
    });
    kept.map_err(|error| {
        because(ProblemKind::Internal, "the new CA's key is not kept", &error, error.hint())
    })?;
    office.admission.succeed(next);
    Ok(())
}
