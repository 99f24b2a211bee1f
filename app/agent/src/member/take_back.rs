//! A host that was let in and cannot be a member after all takes its name out of the registry again.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use weft_api::ApiProblem;
use weft_model::Node;
use weft_registry::Command;
use weft_transport::{Credentials, Request, Response, ask_once};

use crate::certificate::credentials;
use crate::disk::Membership;

/// How long that is tried: a manager may take a moment to know its new member.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(50);

/// Takes the membership back at the managers; `problem` tells if that fails, too.
pub(crate) async fn take_back(membership: &Membership, mut problem: ApiProblem) -> ApiProblem {
    if membership.managers.is_empty() {
        return problem;
    }
    let gone = match credentials(membership) {
        Ok(own) => timeout(PATIENCE, until_gone(&own, membership)).await.is_ok(),
        Err(_unusable) => false,
    };
    if !gone {
        let name = &membership.node.name;
        problem
            .cause
            .push(format!("and the managers still list {name}: weft node rm {name} there"));
    }
    problem
}

async fn until_gone(own: &Credentials, membership: &Membership) {
    loop {
        for manager in &membership.managers {
            if gone_at(own, manager, &membership.node).await {
                return;
            }
        }
        sleep(PAUSE).await;
    }
}

async fn gone_at(own: &Credentials, manager: &Node, me: &Node) -> bool {
    let command = Request::Command(Command::RemoveNode { id: me.id, force: true });
    let answer = ask_once(own, manager.id, manager.control, command).await;
    matches!(answer, Ok(Response::Outcome(..)))
}
