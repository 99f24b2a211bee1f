//! Whom this node is connected with, as the registry and the networks change.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;
use weft_membership::Settings;
use weft_model::{NodeId, Role};
use weft_transport::Peers;

use crate::registry::Followed;
use crate::state::Picture;

/// In a large cluster so many hosts of common networks are connected all the time; others are when
/// there is something to say.
const COMPANIONS: usize = 64;

/// In a small cluster everybody; in a large one managers, and some who share a network.
pub(super) fn peers(followed: &Followed, me: NodeId, companions: &BTreeSet<NodeId>) -> Peers {
    let nodes = followed.view.nodes();
    let others = nodes.values().filter(|node| node.id != me);
    let members = others.map(|node| (node.id, node.control)).collect();
    let kept = (nodes.len() > Settings::default().mesh).then(|| {
        let managers = nodes.values().filter(|node| node.role == Role::Manager);
        let managers = managers.map(|node| node.id);
        managers.chain(companions.iter().copied()).filter(|node| *node != me).collect()
    });
    Peers { members, kept }
}

/// Tells the mesh whom to talk to, until the registry's follower is gone.
pub(super) async fn keep_peers(
    (mut followed, mut pictures): (watch::Receiver<Followed>, watch::Receiver<Arc<Picture>>),
    me: NodeId,
    out: watch::Sender<Peers>,
) {
    loop {
        tokio::select! {
            changed = followed.changed() => if changed.is_err() { return },
            changed = pictures.changed() => if changed.is_err() { return },
        }
        let companions = companions(&pictures.borrow_and_update(), me);
        let now = peers(&followed.borrow_and_update(), me, &companions);
        out.send_if_modified(|known| {
            let differs = *known != now;
            *known = now;
            differs
        });
    }
}

/// Those next to this node in the order of ids: each node picks others, and each is picked.
fn companions(picture: &Picture, me: NodeId) -> BTreeSet<NodeId> {
    let shared = picture.in_use.values().filter(|nodes| nodes.contains(&me));
    let all: BTreeSet<NodeId> = shared.flatten().copied().filter(|node| *node != me).collect();
    let (after, before) = (all.range(me..), all.range(..me));
    after.chain(before).take(COMPANIONS).copied().collect()
}
