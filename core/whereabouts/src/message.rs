//! What nodes say to each other about their rows.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use weft_model::{Endpoint, EndpointId, NetworkId, NodeId};

/// One row's new state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowChange {
    /// The row is there, like this.
    Put(Endpoint),
    /// The row is gone for good.
    Remove(EndpointId),
}

impl RowChange {
    /// Which row it is about.
    #[must_use]
    pub const fn id(&self) -> EndpointId {
        match self {
            Self::Put(endpoint) => endpoint.id,
            Self::Remove(id) => *id,
        }
    }
}

/// One message. All but the two questions speak about the **sender's** own state, so that nobody
/// can say anything about another's.
///
/// An `epoch` is one run of the sender's agent. Versions count all of that run's changes, of rows
/// and of participation alike: of two versions of one node's one epoch the greater is the later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// The networks that the sender takes part in; goes to every connected node.
    Participation {
        /// The sender's run.
        epoch: u64,
        /// When the set last changed.
        version: u64,
        /// All of them.
        networks: BTreeSet<NetworkId>,
    },
    /// All rows that the sender has on a network.
    Snapshot {
        /// The network.
        network: NetworkId,
        /// The sender's run.
        epoch: u64,
        /// When a row last changed.
        version: u64,
        /// All of them.
        rows: Vec<Endpoint>,
    },
    /// What changed in the sender's rows on a network.
    Delta {
        /// The network.
        network: NetworkId,
        /// The sender's run.
        epoch: u64,
        /// The changes come on top of this version.
        from: u64,
        /// The version after them.
        to: u64,
        /// At most one a row: what lies between is left out.
        changes: Vec<RowChange>,
    },
    /// Asks for the receiver's rows on a network.
    Request {
        /// The network.
        network: NetworkId,
        /// The receiver's run, as the sender knows it.
        epoch: u64,
        /// The version that the sender has; 0: nothing.
        have: u64,
    },
    /// Asks for the receiver's participation.
    ParticipationRequest,
    /// What the receiver should have of the sender.
    Digest {
        /// The sender's run.
        epoch: u64,
        /// The version of its participation.
        participation: u64,
        /// The version of its rows on each network that both take part in.
        streams: Vec<(NetworkId, u64)>,
    },
}

impl Message {
    /// The run that the sender speaks from, where it speaks about itself.
    pub(crate) const fn senders_epoch(&self) -> Option<u64> {
        match self {
            Self::Participation { epoch, .. }
            | Self::Snapshot { epoch, .. }
            | Self::Delta { epoch, .. }
            | Self::Digest { epoch, .. } => Some(*epoch),
            Self::Request { .. } | Self::ParticipationRequest => None,
        }
    }
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// A connected node.
    pub to: NodeId,
    /// What to tell it.
    pub message: Message,
}
