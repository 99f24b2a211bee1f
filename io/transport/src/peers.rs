//! Whom a node may be connected with, and whom it is to be connected with.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use weft_model::NodeId;

use crate::mesh::Load;

/// What waits for a connection that is being made; further ones displace the oldest.
const WAITING: usize = 64;

/// The other members of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peers {
    /// All of them, and where they listen.
    pub members: BTreeMap<NodeId, SocketAddr>,
    /// Those to whom a connection is kept whether there is something to say or not; absent: all.
    pub kept: Option<BTreeSet<NodeId>>,
}

impl Peers {
    pub(crate) const fn keeps_all(&self) -> bool {
        self.kept.is_none()
    }
}

/// What waits for a connection.
#[derive(Debug, Default)]
pub(crate) struct Pending(VecDeque<Load>);

impl Pending {
    pub(crate) fn push(&mut self, load: Load) {
        if self.0.len() >= WAITING {
            self.0.pop_front();
        }
        self.0.push_back(load);
    }
}

impl IntoIterator for Pending {
    type Item = Load;
    type IntoIter = std::collections::vec_deque::IntoIter<Load>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
