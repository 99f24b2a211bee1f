//! What is known of another node: its run, its networks, its rows on those this node shares.

use std::collections::{BTreeMap, BTreeSet};

use weft_model::NetworkId;

use crate::replica::Replica;

/// Another node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owner {
    /// Its run.
    pub(crate) epoch: u64,
    /// The version of its participation.
    pub(crate) version: u64,
    /// One for each network it takes part in; rows only where this node does, too.
    pub(crate) replicas: BTreeMap<NetworkId, Replica>,
}

impl Owner {
    /// Whether what is said as of `(epoch, version)` may depend on a participation not known here.
    pub(crate) const fn is_behind(&self, epoch: u64, version: u64) -> bool {
        epoch > self.epoch || (epoch == self.epoch && version > self.version)
    }

    /// Takes over a newer participation; returns the networks that it joined and left.
    pub(crate) fn participate(
        &mut self,
        epoch: u64,
        version: u64,
        networks: &BTreeSet<NetworkId>,
    ) -> (Vec<NetworkId>, Vec<NetworkId>) {
        let floor = if epoch == self.epoch { self.version + 1 } else { 0 };
        if epoch != self.epoch {
            self.replicas.values_mut().for_each(Replica::outdate);
        }
        let joined: Vec<_> =
            networks.iter().copied().filter(|id| !self.replicas.contains_key(id)).collect();
        // Rows newer than this word prove that the owner has joined again since.
        let left = |(id, replica): &(&NetworkId, &Replica)| {
            !networks.contains(*id) && replica.have() <= version
        };
        let left: Vec<_> = self.replicas.iter().filter(left).map(|(id, _)| *id).collect();
        self.replicas.retain(|network, _| !left.contains(network));
        self.replicas.extend(joined.iter().map(|&network| (network, Replica::new(floor))));
        (self.epoch, self.version) = (epoch, version);
        (joined, left)
    }
}
