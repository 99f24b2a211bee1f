//! VNIs that wait until nothing of their network is left anywhere.

use std::collections::BTreeSet;

use weft_model::{Network, NetworkId, NodeId};

use super::draft::{Draft, already};
use super::{Decision, Outcome, Situation};
use crate::{Key, Quarantine, View};

/// Puts the VNI of a network that is removed in quarantine, for the nodes that have blocks of it:
/// without one a node has no endpoint there.
pub(super) fn begin<'a>(draft: Draft<'a>, view: &View, network: &Network) -> Draft<'a> {
    let nodes: BTreeSet<NodeId> = view.blocks(network.id).map(|block| block.owner).collect();
    if nodes.is_empty() {
        return draft;
    }
    let Network { id, name, vni, .. } = network.clone();
    let quarantine = Quarantine { vni, network: id, name, nodes };
    draft.put(&Key::Quarantine(vni), &quarantine)
}

pub(super) fn torn_down(situation: &Situation<'_>, network: NetworkId) -> Decision {
    let Situation { view, by, .. } = *situation;
    let of = view.quarantines().find(|q| q.network == network && q.nodes.contains(&by));
    let Some(quarantine) = of else { return already(Outcome::Done) };
    without(Draft::new(view), quarantine, by).decided(Outcome::Done)
}

/// Nobody waits for a node that is removed.
pub(super) fn forget<'a>(draft: Draft<'a>, view: &View, node: NodeId) -> Draft<'a> {
    let waiting = view.quarantines().filter(|quarantine| quarantine.nodes.contains(&node));
    waiting.fold(draft, |draft, quarantine| without(draft, quarantine, node))
}

fn without<'a>(draft: Draft<'a>, quarantine: &Quarantine, node: NodeId) -> Draft<'a> {
    let key = Key::Quarantine(quarantine.vni);
    let mut rest = quarantine.clone();
    rest.nodes.remove(&node);
    let draft = draft.unchanged(&key);
    if rest.nodes.is_empty() { draft.delete(&key) } else { draft.put(&key, &rest) }
}
