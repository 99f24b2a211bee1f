//! What is to be sent to one connected node.
//!
//! Not a queue: it names what the other should hear about, and the message is made of the newest
//! state when it can be sent. So it is bounded by the number of networks, however slow the other.

use std::collections::{BTreeMap, BTreeSet};

use weft_model::NetworkId;

/// One connected node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Link {
    /// It is to hear this node's participation.
    pub(crate) participation: bool,
    /// It is to be asked for its own.
    pub(crate) ask_participation: bool,
    /// It is to hear what it should have.
    pub(crate) digest: bool,
    /// Networks to ask it about.
    pub(crate) requests: BTreeSet<NetworkId>,
    /// Networks on which it may lack rows of this node.
    pub(crate) dirty: BTreeSet<NetworkId>,
    /// The version that it was sent last on each network; absent: nothing yet.
    pub(crate) sent: BTreeMap<NetworkId, u64>,
}

impl Link {
    /// It is to get all of this node's rows on `network`.
    pub(crate) fn send_all(&mut self, network: NetworkId) {
        self.sent.remove(&network);
        self.dirty.insert(network);
    }

    /// Nothing on `network` is to be sent any more.
    pub(crate) fn drop_network(&mut self, network: NetworkId) {
        self.sent.remove(&network);
        self.dirty.remove(&network);
        self.requests.remove(&network);
    }
}
