//! Who tells newcomers who takes part in a network.
//!
//! In a small cluster everybody tells everybody. In a large one the managers are told of all
//! networks, and three anchors of each network of that one: those members whose ids rank first by
//! a hash with the network's, so that all nodes find the same ones without a word and without a
//! manager.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_model::{NetworkId, NodeId, PublicKey};

use crate::Head;
use crate::head::{folded, mix};

/// Up to so many members everybody is told everything, and a newcomer can be introduced to each.
pub const SMALL: usize = 16;
const ANCHORS: usize = 3;

/// The registry's nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// All of them, and what their words are checked with.
    pub nodes: BTreeMap<NodeId, PublicKey>,
    /// Those that keep the registry.
    pub managers: BTreeSet<NodeId>,
}

/// The networks that a node has endpoints on, as it said itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attendance {
    pub(crate) head: Head,
    pub(crate) networks: BTreeSet<NetworkId>,
}

/// The members, and what they said of themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    pub(crate) members: Arc<Members>,
    pub(crate) attendance: BTreeMap<NodeId, Attendance>,
    anchors: BTreeMap<NetworkId, Vec<NodeId>>,
}

impl Directory {
    /// Whether everybody is told everything.
    pub(crate) fn is_small(&self) -> bool {
        self.members.nodes.len() <= SMALL
    }

    /// Takes over the registry's nodes; answers those that are gone. One that has another key is
    /// another one: what it signed before is good no more.
    pub(crate) fn set_members(&mut self, members: Arc<Members>) -> Vec<NodeId> {
        let before = self.members.nodes.iter();
        let lost = before.filter(|(node, key)| members.nodes.get(node) != Some(key));
        let gone = lost.map(|(node, _)| *node).collect();
        self.members = members;
        self.review();
        gone
    }

    pub(crate) fn is_member(&self, node: NodeId) -> bool {
        self.members.nodes.contains_key(&node)
    }

    /// Anchors have to be found anew.
    pub(crate) fn review(&mut self) {
        self.anchors.clear();
    }

    /// Those who are told who takes part in `network`, this node not counted.
    pub(crate) fn tellers(
        &mut self,
        network: NetworkId,
        me: NodeId,
        hidden: &BTreeSet<NodeId>,
    ) -> BTreeSet<NodeId> {
        let mut tellers: BTreeSet<NodeId> = if self.is_small() {
            self.members.nodes.keys().copied().collect()
        } else {
            let anchors = self.anchors(network, hidden);
            self.members.managers.iter().copied().chain(anchors).collect()
        };
        tellers.remove(&me);
        tellers
    }

    /// Those who are told of every network, this node not counted.
    pub(crate) fn general_tellers(&self, me: NodeId) -> Vec<NodeId> {
        let Members { nodes, managers } = &*self.members;
        let others = |node: &NodeId| *node != me;
        match self.is_small() {
            true => nodes.keys().copied().filter(others).collect(),
            false => managers.iter().copied().filter(others).collect(),
        }
    }

    /// Highest random weight (Thaler, Ravishankar 1998) among the members that are up.
    fn anchors(&mut self, network: NetworkId, hidden: &BTreeSet<NodeId>) -> Vec<NodeId> {
        let members = &self.members.nodes;
        let found = self.anchors.entry(network).or_insert_with(|| {
            let salt = folded(NodeId::from_bytes(network.to_bytes()));
            let up = members.keys().filter(|node| !hidden.contains(node));
            let ranked = up.map(|node| (mix(folded(*node) ^ salt), *node));
            let mut first: BTreeSet<(u64, NodeId)> = BTreeSet::new();
            for one in ranked {
                first.insert(one);
                if first.len() > ANCHORS {
                    first.pop_first();
                }
            }
            first.into_iter().map(|(_, node)| node).collect()
        });
        found.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::key_of;

    fn cluster(size: u128) -> Directory {
        let nodes = (1..=size).map(NodeId::from_random).map(|node| (node, key_of(node))).collect();
        let managers = BTreeSet::from([NodeId::from_random(1)]);
        let mut directory = Directory::default();
        assert_eq!(directory.set_members(Arc::new(Members { nodes, managers })), []);
        directory
    }

    #[test]
    fn a_network_has_its_manager_and_three_anchors_and_all_nodes_name_the_same() {
        let mut directory = cluster(500);
        let nobody = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for network in (0..100).map(NetworkId::from_random) {
            let tellers = directory.tellers(network, NodeId::from_random(999), &nobody);
            assert!(tellers.contains(&NodeId::from_random(1)) && (3..=4).contains(&tellers.len()));
            assert_eq!(cluster(500).tellers(network, NodeId::from_random(999), &nobody), tellers);
            seen.extend(tellers);
        }
        assert!(seen.len() > 100, "the work is spread: {}", seen.len());
    }

    #[test]
    fn the_loss_of_an_anchor_moves_one_of_three() {
        let (mut directory, network) = (cluster(100), NetworkId::from_random(7));
        let before = directory.anchors(network, &BTreeSet::new());
        let lost = BTreeSet::from([*before.first().unwrap()]);
        directory.review();
        let after = directory.anchors(network, &lost);
        assert_eq!(before.iter().filter(|node| after.contains(node)).count(), 2);
        assert!(after.iter().all(|node| !lost.contains(node)) && after.len() == 3);
    }

    #[test]
    fn in_a_small_cluster_everybody_is_told() {
        let me = NodeId::from_random(1);
        let tellers = cluster(16).tellers(NetworkId::from_random(1), me, &BTreeSet::new());
        assert_eq!(tellers.len(), 15);
    }
}
