//! The registry's word reaches every running host.

use std::collections::BTreeMap;
use std::sync::Arc;

use weft_whereabouts::Members;

use super::{MANAGERS, World};
use crate::node::{Node, Registry};

impl World {
    /// A host is lost with its disk: it is removed, and another takes its place.
    pub(crate) fn burn(&mut self, at: usize) {
        self.crash(at);
        self.reset(at);
        let fresh = self.fresh_id();
        let Some(node) = self.nodes.get_mut(at) else { return };
        let old =
            std::mem::replace(node, Node { paused: node.paused, ..Node::new(fresh, node.clock) });
        self.watch.ended(old.rows.into_values().flat_map(BTreeMap::into_keys));
        if let Some(ledger) = &mut self.ledger {
            ledger.remove(old.id);
            ledger.add(fresh);
            self.watch.removed(ledger, old.id);
        }
        self.places.remove(&old.id);
        self.places.insert(fresh, at);
        self.register();
        for other in 0..self.nodes.len() {
            if self.nodes.get(other).is_some_and(Node::runs) {
                self.follow_registry(other);
                self.pump(other);
            }
        }
    }

    /// Writes down who is a member.
    pub(super) fn register(&mut self) {
        let ids = || self.nodes.iter().map(|node| node.id);
        let members = Members { nodes: ids().collect(), managers: ids().take(MANAGERS).collect() };
        self.registry = Registry { roll: Arc::new(ids().collect()), members: Arc::new(members) };
    }

    /// A host that starts for the first time knows already that everybody is alive.
    pub(crate) fn recall(&mut self, at: usize) {
        let now = self.now;
        let all: Vec<_> = self.nodes.iter().map(|node| (node.id, 1)).collect();
        let Some(node) = self.nodes.get_mut(at) else { return };
        let instant = node.now(now);
        if let Some(agent) = &mut node.agent {
            agent.membership.recall(instant, all.into_iter());
        }
        self.pump(at);
    }

    pub(super) fn follow_registry(&mut self, at: usize) {
        let (now, registry) = (self.now, self.registry.clone());
        if let Some(node) = self.nodes.get_mut(at) {
            node.follow(now, &registry);
        }
    }
}
