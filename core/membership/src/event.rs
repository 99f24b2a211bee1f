//! What follows for the rest of the agent.

use weft_model::NodeId;

/// What the rest of the agent is to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// The node's rows are to be hidden.
    Down(NodeId),
    /// The same: this node cannot talk to it, others can.
    Indirect(NodeId),
    /// The node's rows are to be shown.
    Up(NodeId),
}

impl Event {
    /// Whom it is about.
    #[must_use]
    pub const fn node(self) -> NodeId {
        match self {
            Self::Down(node) | Self::Indirect(node) | Self::Up(node) => node,
        }
    }
}
