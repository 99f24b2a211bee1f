//! Why a message is not believed.

use weft_model::{EndpointId, NodeId};

/// Why a message was not believed. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It claims to come from this node.
    #[error(
        "a message from {node} came to {node} itself: another host runs with this node's identity"
    )]
    Myself {
        /// This node.
        node: NodeId,
    },
    /// Its sender is not in the registry, or not yet.
    #[error("node {from} is not a member of the cluster")]
    Stranger {
        /// The sender.
        from: NodeId,
    },
    /// It tells this node what it should have said itself, and has not, though with its signature.
    #[error(
        "node {from} knows this node's rows of epoch {epoch}, signed with its key, but this node is in \
         epoch {known} and has not said that"
    )]
    NotMyWord {
        /// The sender.
        from: NodeId,
        /// What the message says.
        epoch: u64,
        /// This node's own.
        known: u64,
    },
    /// It told rows that their owner has not signed.
    #[error(
        "node {from} told rows of node {owner}, of epoch {epoch}, which {owner} has not signed"
    )]
    NotTheirWord {
        /// The sender.
        from: NodeId,
        /// Whose rows it told.
        owner: NodeId,
        /// What the message says.
        epoch: u64,
    },
    /// A row in it is another node's, as its id says.
    #[error("node {from} spoke about endpoint {endpoint}, which is another node's")]
    NotYours {
        /// Who claims it.
        from: NodeId,
        /// The row.
        endpoint: EndpointId,
    },
    /// The sender's state is older than what it said before: it came back from a saved state.
    #[error("node {from} speaks from its epoch {epoch}, but its epoch {known} is known")]
    OldEpoch {
        /// The sender.
        from: NodeId,
        /// What the message says.
        epoch: u64,
        /// What is known.
        known: u64,
    },
}

impl Rejected {
    /// Who said it.
    #[must_use]
    pub const fn sender(&self) -> NodeId {
        match self {
            Self::Myself { node: from }
            | Self::Stranger { from }
            | Self::NotMyWord { from, .. }
            | Self::NotTheirWord { from, .. }
            | Self::NotYours { from, .. }
            | Self::OldEpoch { from, .. } => *from,
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Myself { .. } => {
                "if this host was cloned from another one, leave the cluster on the clone and join anew"
            }
            Self::Stranger { .. } => "nothing: the node says it again when the registry has it",
            Self::NotMyWord { .. } => {
                "another host runs with this node's identity, or this host was restored from an old \
                 snapshot: restart its agent, or leave the cluster on the clone and join anew"
            }
            Self::NotTheirWord { .. } => {
                "look at the sending host: its agent is faulty or in wrong hands, and `weft node rm` shuts \
                 it out; or another host runs with the owner's identity: look for a clone of it"
            }
            Self::NotYours { .. } => {
                "look at the sending host: its agent is faulty or in wrong hands; `weft node rm` shuts it out"
            }
            Self::OldEpoch { .. } => {
                "if that host was restored from a snapshot, restart its agent; if it was cloned, remove the clone"
            }
        }
    }
}
