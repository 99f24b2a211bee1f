//! What nodes say to each other about rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weft_model::{Endpoint, EndpointId, NetworkId, NodeId};

use crate::{Head, Seal};

/// One row's new state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowChange {
    /// The row is there, like this.
    Put(Arc<Endpoint>),
    /// The row is gone for good.
    Remove(EndpointId),
}

impl RowChange {
    /// Which row it is about.
    #[must_use]
    pub fn id(&self) -> EndpointId {
        match self {
            Self::Put(endpoint) => endpoint.id,
            Self::Remove(id) => *id,
        }
    }
}

/// How an owner takes part in a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Presence {
    /// It has endpoints there, or is about to.
    Here,
    /// Its last endpoint is gone, but it listens on for a while: starts and stops in a row cost
    /// no coming and going.
    Lingering,
    /// It has no part in it.
    Left,
}

/// Whose rows, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamId {
    /// The network.
    pub network: NetworkId,
    /// The only node that writes them.
    pub owner: NodeId,
}

/// One message. Rows are their owner's word, whoever passes them on: they come with its seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The networks that the sender has endpoints on; to those who tell newcomers of it.
    Participation {
        /// When the set last changed.
        head: Head,
        /// All of them.
        networks: BTreeSet<NetworkId>,
    },
    /// Asks who takes part in a network.
    DirectoryRequest {
        /// The network.
        network: NetworkId,
    },
    /// Some who take part in a network; they know the others.
    Directory {
        /// The network.
        network: NetworkId,
        /// Drawn by lot if there are many.
        nodes: BTreeSet<NodeId>,
    },
    /// All rows of a stream.
    Snapshot {
        /// Which.
        stream: StreamId,
        /// As of this change.
        head: Head,
        /// How the owner takes part.
        presence: Presence,
        /// All of them.
        rows: Vec<Arc<Endpoint>>,
        /// The owner's, under all of this.
        seal: Seal,
        /// Whether it is fresh: who did not know it passes it on.
        fresh: bool,
    },
    /// What changed in a stream.
    Delta {
        /// Which.
        stream: StreamId,
        /// The owner's run.
        epoch: u64,
        /// The changes come on top of this version, or of any between it and `to`.
        from: u64,
        /// The version after them.
        to: u64,
        /// How the owner takes part.
        presence: Presence,
        /// At most one a row: what lies between is left out.
        changes: Vec<RowChange>,
        /// The owner's, under all that it has after them.
        seal: Seal,
        /// Whether it is fresh: who did not know it passes it on.
        fresh: bool,
    },
    /// Asks for what the receiver has of a stream.
    Request {
        /// Which.
        stream: StreamId,
        /// What the sender has.
        have: Head,
    },
    /// The sum of all that the sender knows of a network. Who knows something else says so.
    Digest {
        /// The network.
        network: NetworkId,
        /// Over the heads of all streams.
        sum: u64,
    },
    /// The same in parts, so that the difference is found.
    Buckets {
        /// The network.
        network: NetworkId,
        /// One a bucket.
        sums: Vec<u64>,
    },
    /// What the sender knows of the streams in some buckets.
    Heads {
        /// The network.
        network: NetworkId,
        /// One bit a bucket.
        buckets: u64,
        /// All streams in them.
        heads: Vec<(NodeId, Head)>,
    },
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// A member of the cluster.
    pub to: NodeId,
    /// What to tell it.
    pub message: Message,
}
