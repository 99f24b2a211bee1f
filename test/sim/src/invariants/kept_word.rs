//! What a host was told is done stays done, until somebody undoes it.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use weft_model::{NetworkId, NodeId};
use weft_registry::{Block, View};

use super::Violation;

/// Commands of the registry that were acknowledged.
#[derive(Debug, Default)]
pub(crate) struct KeptWord {
    blocks: BTreeMap<(NetworkId, IpNet), Block>,
    removed: BTreeSet<NodeId>,
}

impl KeptWord {
    /// A host heard that it has a block.
    pub(crate) fn acknowledged(&mut self, block: Block) {
        if !self.removed.contains(&block.owner) {
            self.blocks.insert((block.network, block.range), block);
        }
    }

    /// A host is no member any more, and has nothing.
    pub(crate) fn removed(&mut self, host: NodeId) {
        self.removed.insert(host);
        self.blocks.retain(|_, block| block.owner != host);
    }

    pub(crate) fn look(&self, registry: &View) -> Option<Violation> {
        let kept = |block: &Block| registry.block(block.network, block.range) == Some(block);
        let lost = self.blocks.values().find(|block| !kept(block));
        let back = || registry.all_blocks().find(|block| self.removed.contains(&block.owner));
        let wrong = lost.or_else(back)?;
        let details = format!("{} of {} for {}", wrong.range, wrong.network, wrong.owner);
        Some(Violation::new("an acknowledged command was lost", details))
    }
}
