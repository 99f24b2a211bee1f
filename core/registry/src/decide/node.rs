//! Members come, change and go.

use weft_model::{Node, NodeId, Role};

use super::draft::{Draft, already};
use super::{Decision, Outcome, Situation, called, must_manage, quarantine};
use crate::{Key, Refused, View};

pub(super) fn put(
    situation: &Situation<'_>,
    asker: &Node,
    node: &Node,
) -> Result<Decision, Refused> {
    let view = situation.view;
    let before = view.node(node.id);
    if before == Some(node) {
        return Ok(already(Outcome::Done));
    }
    if asker.id != node.id {
        must_manage(asker, "speak for another node")?;
    } else if asker.role != node.role {
        must_manage(asker, "change its own role")?;
    }
    if let Some(before) = before {
        if before.key != node.key {
            return Err(Refused::OtherKey { node: before.name.clone() });
        }
        may_move(view, asker, before, node)?;
    } else if let Some(like) = view.nodes().keys().find(|other| other.half() == node.id.half()) {
        return Err(Refused::LikeAnother { node: node.id, like: *like });
    }
    let key = Key::Node(node.id);
    let mut draft = Draft::new(view).unchanged(&key);
    if before.is_none_or(|before| before.name != node.name) {
        draft = rename(draft, view, before, node)?;
    }
    if before.is_some_and(|before| before.role == Role::Manager && node.role == Role::Worker) {
        must_not_be_last(view, node)?;
        draft = draft.count(&Key::Managers);
    }
    Ok(draft.put(&key, node).decided(Outcome::Done))
}

pub(super) fn set_role(
    situation: &Situation<'_>,
    asker: &Node,
    id: NodeId,
    role: Role,
) -> Result<Decision, Refused> {
    must_manage(asker, "say who manages")?;
    let node = situation.view.node(id).ok_or(Refused::NoSuchNode(id))?;
    put(situation, asker, &Node { role, ..node.clone() })
}

/// Only a node itself knows its address, and no other may have it.
fn may_move(view: &View, asker: &Node, before: &Node, node: &Node) -> Result<(), Refused> {
    if (before.vtep, before.control) == (node.vtep, node.control) {
        return Ok(());
    }
    if asker.id != node.id {
        return Err(Refused::NotAllowed { by: asker.id, what: "change another node's address" });
    }
    let has = |other: &&Node| other.id != node.id && other.vtep == node.vtep;
    match view.nodes().values().find(has) {
        Some(other) if before.vtep != node.vtep => {
            Err(Refused::HostAddressTaken { address: node.vtep.0, node: other.name.clone() })
        }
        _ => Ok(()),
    }
}

fn rename<'a>(
    draft: Draft<'a>,
    view: &View,
    before: Option<&Node>,
    node: &Node,
) -> Result<Draft<'a>, Refused> {
    if let Some(owner) = view.node_with_name(&node.name) {
        return Err(Refused::NodeNameTaken { name: node.name.clone(), node: owner });
    }
    let name = Key::NodeName(node.name.clone());
    let draft = draft.absent(&name).put(&name, &node.id);
    Ok(match before {
        Some(before) => draft.delete(&Key::NodeName(before.name.clone())),
        None => draft,
    })
}

pub(super) fn remove(
    situation: &Situation<'_>,
    asker: &Node,
    id: NodeId,
    force: bool,
) -> Result<Decision, Refused> {
    let view = situation.view;
    let node = view.node(id).ok_or(Refused::NoSuchNode(id))?;
    if asker.id != id {
        must_manage(asker, "remove another node")?;
    }
    let networks = networks_with(situation, id);
    if !force && !networks.is_empty() {
        return Err(Refused::NodeInUse { node: node.name.clone(), networks });
    }
    let mut draft = Draft::new(view).unchanged(&Key::Node(id));
    if node.role == Role::Manager {
        must_not_be_last(view, node)?;
        draft = draft.count(&Key::Managers);
    }
    let draft = free_blocks(draft, view, id);
    let draft = quarantine::forget(draft, view, id).delete(&Key::Certificate(id));
    let draft = draft.delete(&Key::NodeName(node.name.clone())).delete(&Key::Node(id));
    Ok(draft.decided(Outcome::Done))
}

/// Deletes the node's blocks, provided that nobody claims one meanwhile.
fn free_blocks<'a>(draft: Draft<'a>, view: &View, owner: NodeId) -> Draft<'a> {
    let draft = draft.unchanged(&Key::Networks);
    let counters = view.networks().keys().map(|network| Key::BlocksOf(*network));
    let draft = counters.fold(draft, |draft, counter| draft.unchanged(&counter));
    let own = view.all_blocks().filter(|block| block.owner == owner);
    own.map(|block| Key::Block(block.network, block.range))
        .fold(draft, |draft, key| draft.unchanged(&key).delete(&key))
}

fn networks_with(situation: &Situation<'_>, id: NodeId) -> Vec<String> {
    let used = situation.in_use.iter().filter(|(_, nodes)| nodes.contains(&id));
    used.filter_map(|(network, _)| situation.view.network(*network)).map(called).collect()
}

fn must_not_be_last(view: &View, node: &Node) -> Result<(), Refused> {
    let others = view.nodes().values().filter(|other| other.id != node.id);
    let managed = others.into_iter().any(|other| other.role == Role::Manager);
    if managed { Ok(()) } else { Err(Refused::LastManager { node: node.name.clone() }) }
}
