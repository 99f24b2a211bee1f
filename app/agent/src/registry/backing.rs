//! What stands behind a manager's word: a majority of the managers, if there are several.

use weft_model::NodeId;
use weft_store::Raft;

/// Whether a majority stands behind what a store says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backing(Option<Raft>);

impl Backing {
    /// Of a store that several managers agree on, or of one that needs nobody.
    pub(crate) const fn new(raft: Option<Raft>) -> Self {
        Self(raft)
    }

    /// Whether it does at this moment.
    pub(crate) fn stands(&self) -> bool {
        self.0.as_ref().is_none_or(|raft| raft.standing().majority && raft.stopped().is_none())
    }

    /// Who puts changes in order, if anybody does.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        self.0.as_ref()?.standing().leader
    }

    /// Whether this node has a vote among the managers.
    pub(crate) fn seats(&self, node: NodeId) -> bool {
        self.0.as_ref().is_some_and(|raft| raft.standing().voters.contains(&node))
    }
}
