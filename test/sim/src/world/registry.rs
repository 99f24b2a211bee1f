//! The registry's word reaches every running host.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use rand::RngExt as _;
use weft_membership::Settings;
use weft_model::NodeId;
use weft_whereabouts::Members;

use super::{MANAGERS, World};
use crate::node::{Node, Registry};
use crate::notary::key_of;

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
        let members = Members {
            nodes: ids().map(|id| (id, key_of(id))).collect(),
            managers: ids().take(MANAGERS).collect(),
        };
        self.registry = Registry { roll: Arc::new(ids().collect()), members: Arc::new(members) };
    }

    /// All hosts start for the first time, and know already that all others are alive.
    ///
    /// A list of members is made by looking through all of it for each new one: with ten thousand
    /// that takes most of a run, and no host needs another for it.
    pub(crate) fn start_all_warm(&mut self) {
        let settings = Settings { mesh: self.mesh, ..Settings::default() };
        let (now, registry) = (self.now, self.registry.clone());
        let ids: Vec<NodeId> = self.nodes.iter().map(|node| node.id).collect();
        let seeds: Vec<u64> = self.nodes.iter().map(|_| self.dice.random()).collect();
        let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let share = self.nodes.len().div_ceil(workers).max(1);
        std::thread::scope(|scope| {
            for (nodes, seeds) in self.nodes.chunks_mut(share).zip(seeds.chunks(share)) {
                let (registry, ids) = (&registry, &ids);
                scope.spawn(move || {
                    for (node, seed) in nodes.iter_mut().zip(seeds) {
                        node.start(now, registry, *seed, settings);
                        node.recall(now, ids);
                    }
                });
            }
        });
        (0..self.nodes.len()).for_each(|at| self.pump(at));
    }

    pub(super) fn follow_registry(&mut self, at: usize) {
        let (now, registry) = (self.now, self.registry.clone());
        if let Some(node) = self.nodes.get_mut(at) {
            node.follow(now, &registry);
        }
    }
}
