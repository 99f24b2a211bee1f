//! Commands to the registry, from wherever this node stands.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::watch;
use tokio::time::{sleep, timeout, timeout_at};
use weft_api::{ApiProblem, ProblemKind};
use weft_model::{EndpointId, NetworkId, NodeId};
use weft_registry::{Command, Outcome, Revision, View};
use weft_transport::{MeshHandle, Request, RequestError, Response};

use super::{Followed, Refusal, Verdict};
use crate::events::EventsHandle;
use crate::inspect::{known_elsewhere, routes_elsewhere};
use crate::office::{Held, Tenure};
use crate::problem::{Answer, problem};

/// How long managers may think about a command.
const PATIENCE: Duration = Duration::from_secs(5);
/// So long after the manager was lost that this node followed, another one may be found.
const GRACE: Duration = Duration::from_secs(3);
/// So long after a manager's answer all that it knew is known here.
const ABREAST: Duration = Duration::from_secs(1);
/// Before the same manager is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// Sends commands to a manager and waits until their effect is seen here.
#[derive(Clone, Debug)]
pub(crate) struct Commander {
    me: NodeId,
    tenure: Tenure,
    mesh: MeshHandle,
    followed: watch::Receiver<Followed>,
    events: EventsHandle,
}

impl Commander {
    /// Speaks for node `me`, which may be a manager itself.
    pub(crate) fn new(
        me: NodeId,
        (tenure, mesh): (&Tenure, &MeshHandle),
        followed: &watch::Receiver<Followed>,
        events: &EventsHandle,
    ) -> Self {
        let (tenure, mesh) = (tenure.clone(), mesh.clone());
        Self { me, tenure, mesh, followed: followed.clone(), events: events.clone() }
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
        self.followed.borrow().is_fresh()
    }

    /// How the registry is known here.
    pub(crate) fn followed(&self) -> Followed {
        self.followed.borrow().clone()
    }

    /// The ranges that this host or, as far as they answer, another one routes.
    pub(crate) async fn routes(&self) -> Vec<IpNet> {
        let others: Vec<NodeId> =
            self.view().nodes().keys().copied().filter(|node| *node != self.me).collect();
        let (mut routes, elsewhere) =
            tokio::join!(weft_kernel::host::routes(), routes_elsewhere(&self.mesh, others));
        if let Ok(routes) = &mut routes {
            routes.extend_from_slice(&elsewhere);
        }
        routes.unwrap_or(elsewhere)
    }

    /// Waits until others know an endpoint of this node's, as far as they do so in time.
    pub(crate) async fn introduce(&self, endpoint: EndpointId, to: Vec<NodeId>) {
        known_elsewhere(&self.mesh, to, endpoint).await;
    }

    /// Waits until a manager confirms the view.
    pub(crate) async fn confirmed(&self) {
        // Without a follower the agent is stopping, and nobody reads this.
        drop(self.followed.clone().wait_for(Followed::is_fresh).await);
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
    ///
    /// It is sent to the manager that this node follows, and to the next one if that one is lost
    /// meanwhile.
    pub(crate) async fn command(&self, command: Command) -> Answer<Outcome> {
        let told = command.told(&self.view());
        let answer = self.decided(command).await;
        self.events.commanded(told, answer.as_ref().err());
        answer
    }

    async fn decided(&self, command: Command) -> Answer<Outcome> {
        let mut unknown = false;
        match timeout(PATIENCE, self.carry_out(&command, &mut unknown)).await {
            Ok(Ok((outcome, revision))) => self.seen(revision).await.map(|()| outcome),
            // It may have been refused since it is done already.
            Ok(Err(refused)) if unknown => {
                if self.shows(&command).await {
                    Ok(Outcome::Done)
                } else {
                    // The attempt before this one may still be under way.
                    Err(unsettled_by(refused))
                }
            }
            Ok(Err(refused)) => Err(refused),
            Err(_elapsed) if unknown => Err(unsettled()),
            Err(_elapsed) => Err(self.why_not()),
        }
    }

    /// Whether the view shows what a command asks for; the manager that refused it was ahead of the
    /// view.
    async fn shows(&self, command: &Command) -> bool {
        let mut followed = self.followed.clone();
        let shown = followed.wait_for(|known| command.is_seen_in(&known.view));
        matches!(timeout(ABREAST, shown).await, Ok(Ok(_known)))
    }

    async fn carry_out(
        &self,
        command: &Command,
        unknown: &mut bool,
    ) -> Answer<(Outcome, Revision)> {
        loop {
            let manager = self.manager().await?;
            let mut followed = self.followed.clone();
            let lost = followed.wait_for(|known| known.from != Some(manager));
            // The patience may end while the manager thinks.
            let before = std::mem::replace(unknown, true);
            let asked = tokio::select! {
                biased;
                asked = self.ask(manager, command) => asked,
                _lost = lost => Asked::Unknown,
            };
            match asked {
                Asked::Answered(answer) => {
                    *unknown = before;
                    return answer;
                }
                Asked::Unknown => {}
                Asked::NotThere => *unknown = before,
            }
            sleep(PAUSE).await;
        }
    }

    /// The manager that this node follows; one that was lost a moment ago may be replaced.
    async fn manager(&self) -> Answer<NodeId> {
        let mut followed = self.followed.clone();
        let until = followed.borrow().since + GRACE;
        let found = timeout_at(until, followed.wait_for(Followed::is_fresh)).await;
        let known = match found {
            Ok(Ok(known)) => known.from,
            _late_or_stopping => self.followed.borrow().from,
        };
        known.ok_or_else(|| self.why_not())
    }

    /// Why there is no manager to ask.
    pub(crate) fn why_not(&self) -> ApiProblem {
        let (error, hint) = match self.tenure.held() {
            Held::Closed { reason, hint } => (reason, hint),
            Held::Yes(office) => match office.manager.backing().stopped() {
                Some(error) => (error.to_string(), error.hint()),
                None => return self.followed.borrow().unconfirmed(),
            },
            Held::No | Held::Lost { .. } => return self.followed.borrow().unconfirmed(),
        };
        let what = format!("the registry can be neither changed nor confirmed now: {error}");
        problem(ProblemKind::Unavailable, what, hint)
    }

    async fn ask(&self, manager: NodeId, command: &Command) -> Asked {
        if manager == self.me {
            let Some(office) = self.tenure.office() else { return Asked::NotThere };
            let answer = office.manager.command(self.me, command.clone()).await;
            return Asked::Answered(answer.map_err(told));
        }
        match self.mesh.request(manager, Request::Command(command.clone())).await {
            Ok(Response::Outcome(outcome, revision)) => Asked::Answered(Ok((outcome, revision))),
            Ok(Response::Refused { error, hint }) => Asked::Answered(Err(refused(error, hint))),
            Ok(Response::Failed { error, hint, perhaps }) => {
                let verdict = if perhaps { Verdict::Perhaps } else { Verdict::NotNow };
                Asked::Answered(Err(told(Refusal { error, hint, verdict })))
            }
            Ok(_not_a_manager) => Asked::NotThere,
            Err(RequestError::NotConnected) => Asked::NotThere,
            Err(error) => {
                tracing::debug!(node = %manager, %error, "a manager was lost while it was asked");
                Asked::Unknown
            }
        }
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

    async fn seen(&self, revision: Revision) -> Answer<()> {
        let mut followed = self.followed.clone();
        let seen = followed.wait_for(|known| known.view.revision() >= revision);
        match timeout(PATIENCE, seen).await {
            Ok(Ok(_known)) => Ok(()),
            _ => Err(unseen()),
        }
    }
}

fn refused(error: String, hint: String) -> ApiProblem {
    problem(ProblemKind::Conflict, error, hint)
}

fn told(Refusal { error, hint, verdict }: Refusal) -> ApiProblem {
    let kind = match verdict {
        Verdict::No => ProblemKind::Conflict,
        Verdict::NotNow => ProblemKind::Unavailable,
        Verdict::Perhaps => ProblemKind::Unsettled,
    };
    problem(kind, error, hint)
}

/// What became of a question.
enum Asked {
    Answered(Answer<(Outcome, Revision)>),
    /// It may have been carried out.
    Unknown,
    /// It was not.
    NotThere,
}

/// A manager has said that it is done, and was lost before this host heard of it.
fn unseen() -> ApiProblem {
    problem(
        ProblemKind::Unsettled,
        "the change was made, but no manager that answers here knows of it yet",
        "look whether it is there before you go on",
    )
}

/// The attempt before may still be under way; this one was refused, perhaps for what is to be mended.
fn unsettled_by(refused: ApiProblem) -> ApiProblem {
    let unsettled = unsettled();
    let hint = match refused.kind {
        ProblemKind::Unavailable => format!("{}; look first whether it is done", refused.hint),
        _ => unsettled.hint,
    };
    ApiProblem { cause: vec![refused.error], hint, ..unsettled }
}

fn unsettled() -> ApiProblem {
    problem(
        ProblemKind::Unsettled,
        "it is not known whether the change was made: the managers did not answer in time",
        "look whether it is done before you try again",
    )
}
