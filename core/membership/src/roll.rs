//! The registry's nodes: who can be a member at all.

use std::collections::BTreeMap;

use weft_model::NodeId;

use crate::who::{Short, short};

/// All nodes of the registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roll {
    nodes: BTreeMap<Short, NodeId>,
}

impl Roll {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether `node` is one.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        self.nodes.get(&short(node)) == Some(&node)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.values().copied()
    }

    pub(crate) fn node(&self, short: Short) -> Option<NodeId> {
        self.nodes.get(&short).copied()
    }

    /// One of them, by a number.
    pub(crate) fn nth(&self, number: usize) -> Option<NodeId> {
        // Cheap enough: it is asked for every other second.
        self.nodes.values().nth(number).copied()
    }
}

impl FromIterator<NodeId> for Roll {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        Self { nodes: nodes.into_iter().map(|node| (short(node), node)).collect() }
    }
}
