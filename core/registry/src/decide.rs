//! Commands become conditional transactions, or are refused.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use weft_model::{Network, NetworkId, Node, NodeId, Role};

use crate::{Block, Cluster, Command, Keeping, Key, Refused, Txn, View};

mod block;
mod ca;
mod cluster;
mod draft;
mod keep;
mod network;
mod node;
mod quarantine;
mod token;

/// What is known when a command is decided.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The registry, perhaps an old one: the transaction will conflict then.
    pub view: &'a View,
    /// Who asks, as its certificate says.
    pub by: NodeId,
    /// Who has endpoints where.
    pub in_use: &'a BTreeMap<NetworkId, BTreeSet<NodeId>>,
    /// Blocks that were somebody's a moment ago: given to another only if there is nothing else.
    pub resting: &'a BTreeSet<(NetworkId, IpNet)>,
}

/// What to commit, and what to answer once that has worked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// On conflict, decide again from a newer view.
    pub txn: Txn,
    /// What the asker learns.
    pub outcome: Outcome,
}

/// What the asker learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is done.
    Done,
    /// This is the network.
    Network(Network),
    /// This is the block.
    Block(Block),
}

/// Decides a command. `random` gives 128 bits a call.
///
/// Whether a repeated command is refused or does nothing the second time is said at [`Command`].
///
/// # Errors
///
/// [`Refused`] says why not, and what to try.
pub fn decide(
    situation: &Situation<'_>,
    command: &Command,
    random: &mut dyn FnMut() -> u128,
) -> Result<Decision, Refused> {
    if let Command::Found { cluster, node, tokens } = command {
        return cluster::found(situation, cluster, node, tokens);
    }
    let cluster = situation.view.cluster().ok_or(Refused::NotFounded)?;
    let asker = situation.view.node(situation.by).ok_or(Refused::NoSuchNode(situation.by))?;
    if cluster.keeping == Keeping::Moving && !matches!(command, Command::Keep(_)) {
        return Err(Refused::Moving);
    }
    let mut decision = decide_by(situation, (cluster, asker), command, random)?;
    if !decision.txn.ops.is_empty() {
        // What is on its way elsewhere is complete when it leaves: nothing is added behind it.
        let same = situation.view.unchanged(&Key::Cluster);
        if !decision.txn.conditions.contains(&same) {
            decision.txn.conditions.push(same);
        }
    }
    Ok(decision)
}

fn decide_by(
    situation: &Situation<'_>,
    (cluster, asker): (&Cluster, &Node),
    command: &Command,
    random: &mut dyn FnMut() -> u128,
) -> Result<Decision, Refused> {
    match command {
        Command::Found { .. } => Err(Refused::AlreadyFounded(cluster.name.clone())),
        Command::CreateNetwork(request) => network::create(situation, cluster, request, random()),
        Command::NameNetwork { id, name, labels } => network::name(situation, *id, name, labels),
        Command::RemoveNetwork { id } => network::remove(situation, *id),
        Command::TornDown { network } => Ok(quarantine::torn_down(situation, *network)),
        Command::ClaimBlock { network, want, known } => {
            block::claim(situation, *network, *want, *known)
        }
        Command::ReleaseBlock { network, range } => block::release(situation, *network, *range),
        Command::CedeAddress { network, address, to } => {
            block::cede(situation, *network, *address, *to)
        }
        Command::PutNode(node) => node::put(situation, asker, node),
        Command::SetRole { id, role } => node::set_role(situation, asker, *id, *role),
        Command::RemoveNode { id, force } => node::remove(situation, asker, *id, *force),
        Command::SetToken(token) => token::set(situation, asker, token),
        Command::RotateCa { ca_pem, tokens } => {
            ca::rotate(situation, (cluster, asker), ca_pem, tokens)
        }
        Command::Certified { generation } => ca::certified(situation, asker, *generation),
        Command::RetireCa { force } => ca::retire(situation, (cluster, asker), *force),
        Command::Keep(keeping) => keep::keep(situation, (cluster, asker), *keeping),
    }
}

fn must_manage(asker: &Node, what: &'static str) -> Result<(), Refused> {
    match asker.role {
        Role::Manager => Ok(()),
        Role::Worker => Err(Refused::NotAllowed { by: asker.id, what }),
    }
}

fn called(network: &Network) -> String {
    network.name.as_ref().map_or_else(|| network.id.short(), ToString::to_string)
}

fn node_called(view: &View, id: NodeId) -> String {
    view.node(id).map_or_else(|| id.short(), |node| node.name.to_string())
}

#[cfg(test)]
mod tests;
