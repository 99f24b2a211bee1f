//! Commands to the registry, from wherever this node stands.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use weft_api::{ApiProblem, ProblemKind};
use weft_model::{NetworkId, NodeId};
use weft_registry::{Command, Outcome, Revision, View};
use weft_transport::{MeshHandle, Request, Response};

use super::follow::managers;
use super::{Followed, Manager};
use crate::problem::{Answer, problem};

/// How long a manager may think about a command.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends commands to a manager and waits until their effect is seen here.
#[derive(Clone, Debug)]
pub(crate) struct Commander {
    me: NodeId,
    manager: Option<Manager>,
    mesh: MeshHandle,
    followed: watch::Receiver<Followed>,
}

impl Commander {
    /// Speaks for node `me`, which is a manager itself if `manager` is given.
    pub(crate) fn new(
        me: NodeId,
        manager: Option<Manager>,
        mesh: MeshHandle,
        followed: watch::Receiver<Followed>,
    ) -> Self {
        Self { me, manager, mesh, followed }
    }

    /// The registry as it is known here.
    pub(crate) fn view(&self) -> Arc<View> {
        Arc::clone(&self.followed.borrow().view)
    }

    /// Which other node may lease an address.
    pub(crate) fn owner(&self, network: NetworkId, address: IpAddr) -> Option<NodeId> {
        let view = self.view();
        let block = view.blocks(network).find(|block| block.range.contains(&address));
        block.map(|block| block.owner).filter(|owner| *owner != self.me)
    }

    /// Whether a manager confirms the view at this moment.
    pub(crate) fn fresh(&self) -> bool {
        self.followed.borrow().fresh
    }

    /// Waits until a manager confirms the view.
    pub(crate) async fn confirmed(&self) {
        // Without a follower the agent is stopping, and nobody reads this.
        drop(self.followed.clone().wait_for(|known| known.fresh).await);
    }

    /// Waits until the view shows all of an address's way to another node, which comes in steps.
    pub(crate) async fn owned(&self, network: NetworkId, address: IpAddr, by: NodeId) {
        let mut followed = self.followed.clone();
        let arrived = followed.wait_for(|known| {
            known.view.blocks_of(network, by).any(|block| block.range.contains(&address))
        });
        // Late is no failure: the blocks are looked at again with every change.
        drop(timeout(PATIENCE, arrived).await);
    }

    /// Carries out a command; when it returns, [`Self::view`] shows its effect.
    pub(crate) async fn command(&self, command: Command) -> Answer<Outcome> {
        let (outcome, revision) = match &self.manager {
            Some(manager) => {
                manager.command(self.me, command).await.map_err(|r| refused(r.error, r.hint))?
            }
            None => self.ask(command).await?,
        };
        self.seen(revision).await?;
        Ok(outcome)
    }

    /// Asks another node for one of its addresses; when it returns, [`Self::view`] shows whose it is.
    pub(crate) async fn obtain(
        &self,
        network: NetworkId,
        address: IpAddr,
        owner: NodeId,
    ) -> Answer<()> {
        let name = self.view().node(owner).map_or_else(|| owner.short(), |n| n.name.to_string());
        let asked = self.mesh.request(owner, Request::Cede { network, address });
        let why = match timeout(PATIENCE, asked).await {
            Ok(Ok(Response::Outcome(_ceded, revision))) => return self.seen(revision).await,
            Ok(Ok(Response::Refused { error, hint })) => {
                return Err(refused(format!("node {name} keeps the address: {error}"), hint));
            }
            Ok(Ok(_other)) => "it does not understand the question".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(_elapsed) => format!("no answer within {PATIENCE:?}"),
        };
        let what = format!("address {address} belongs to node {name}, which cannot give it: {why}");
        let hint = format!(
            "choose another address, or take the node out if it is gone: weft node rm {name}"
        );
        Err(problem(ProblemKind::Unavailable, what, hint))
    }

    async fn ask(&self, command: Command) -> Answer<(Outcome, Revision)> {
        let managers = managers(self.view().nodes(), self.me);
        for id in managers {
            let asked = self.mesh.request(id, Request::Command(command.clone()));
            match timeout(PATIENCE, asked).await {
                Ok(Ok(Response::Outcome(outcome, revision))) => return Ok((outcome, revision)),
                Ok(Ok(Response::Refused { error, hint })) => return Err(refused(error, hint)),
                Ok(Ok(_other)) => tracing::debug!(node = %id, "not a manager any more"),
                Ok(Err(error)) => tracing::debug!(node = %id, %error, "manager not reached"),
                Err(_elapsed) => tracing::debug!(node = %id, "manager did not answer in time"),
            }
        }
        Err(no_manager())
    }

    async fn seen(&self, revision: Revision) -> Answer<()> {
        let mut followed = self.followed.clone();
        let seen = followed.wait_for(|known| known.view.revision() >= revision);
        match timeout(PATIENCE, seen).await {
            Ok(Ok(_known)) => Ok(()),
            _ => Err(no_manager()),
        }
    }
}

fn refused(error: String, hint: String) -> ApiProblem {
    problem(ProblemKind::Conflict, error, hint)
}

fn no_manager() -> ApiProblem {
    problem(
        ProblemKind::Unavailable,
        "no manager answers: the registry cannot be changed now",
        "running containers go on, and new ones start while this host's address blocks last; \
         see which node is away: weft node ls",
    )
}
