//! Seats from outside: giving one to a node, taking it, and waiting until that is so.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use weft_api::{ApiProblem, ProblemKind};
use weft_model::{Node, NodeId, Role};
use weft_registry::{Command, Quorum, View};

use crate::member::Member;
use crate::problem::{Answer, problem};
use crate::registry::Backing;

/// How long a seat may take to be given or taken: a new manager reads the whole registry first.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

/// Makes a node a manager, or ceases to; says what a person should know of it.
pub(crate) async fn set_role(member: &Member, node: &Node, role: Role) -> Answer<Option<String>> {
    member.fabric.registry.command(Command::SetRole { id: node.id, role }).await?;
    let done = match role {
        Role::Manager => seated(member, node.id).await,
        Role::Worker => unseated(member, node.id).await,
    };
    let late = (!done).then(|| match role {
        Role::Manager => format!("{} votes as soon as it is connected", node.name),
        Role::Worker => format!("the seat of {} is not taken yet: weft node ls", node.name),
    });
    // In an etcd any number of them will do.
    let quorum = Quorum { managers: managers_of(&member.fabric.view()) };
    let votes = member.tenure.office().is_none_or(|office| office.backing().raft().is_some());
    let advice = quorum.advice().filter(|_advice| votes);
    let told: Vec<String> = late.into_iter().chain(advice).collect();
    Ok((!told.is_empty()).then(|| told.join("; ")))
}

/// Gives this node's own seat back, if it has one and the cluster goes on.
pub(crate) async fn vacate(member: &Member) -> Answer<()> {
    let (view, me) = (member.fabric.view(), member.node.id);
    let manages = view.node(me).is_some_and(|node| node.role == Role::Manager);
    if !manages || view.nodes().len() <= 1 {
        return Ok(());
    }
    if managers_of(&view) <= 1 {
        let what = "this host is the cluster's only manager";
        let hint = "make another host one first (weft node promote), let the other hosts leave, or end \
                    the cluster: weft leave --force";
        return Err(problem(ProblemKind::Conflict, what, hint));
    }
    member.fabric.registry.command(Command::SetRole { id: me, role: Role::Worker }).await?;
    if timeout(PATIENCE, member.tenure.ended()).await.is_err() {
        return Err(kept(&view, me));
    }
    Ok(())
}

/// Takes another node's seat, if it has one, so that it may be removed.
pub(crate) async fn take_from(member: &Member, node: &Node) -> Answer<()> {
    if node.role == Role::Worker {
        return Ok(());
    }
    let command = Command::SetRole { id: node.id, role: Role::Worker };
    member.fabric.registry.command(command).await?;
    if unseated(member, node.id).await { Ok(()) } else { Err(kept(&member.fabric.view(), node.id)) }
}

fn kept(view: &View, id: NodeId) -> ApiProblem {
    let name = view.node(id).map_or_else(|| id.short(), |node| node.name.to_string());
    let what = format!("the seat of node {name} among the managers is not taken yet");
    problem(ProblemKind::Unavailable, what, "try again in a moment; weft node ls shows who is away")
}

/// Waits until a node votes, as far as this one can see; says whether it does.
pub(crate) async fn seated(member: &Member, id: NodeId) -> bool {
    until(member, |backing| backing.raft().is_none() || backing.seats(id)).await
}

/// Waits until a node does not vote.
async fn unseated(member: &Member, id: NodeId) -> bool {
    until(member, |backing| !backing.seats(id)).await
}

/// A node that is no manager sees no seats: to it all is well.
async fn until(member: &Member, holds: impl Fn(&Backing) -> bool) -> bool {
    let waiting = async {
        while member.tenure.office().is_some_and(|office| !holds(&office.backing())) {
            sleep(PAUSE).await;
        }
    };
    timeout(PATIENCE, waiting).await.is_ok()
}

fn managers_of(view: &View) -> usize {
    view.nodes().values().filter(|node| node.role == Role::Manager).count()
}
