//! What the rest of the agent sees.

use std::collections::{BTreeMap, BTreeSet};

use weft_model::{EndpointId, NetworkId, NodeId};

use crate::machine::Located;
use crate::stream::Stream;
use crate::table::Table;
use crate::{Presence, Whereabouts};

impl Whereabouts {
    /// All rows on `network`, this node's first; none if this node has no endpoint there.
    pub fn rows(&self, network: NetworkId) -> impl Iterator<Item = Located<'_>> {
        let table = self.tables.get(&network).filter(|_| self.is_here(network));
        let own = table.and_then(|table| table.stream(self.me)).map(|stream| (self.me, stream));
        let others = table.into_iter().flat_map(Table::streams);
        let others = others.filter(|(owner, _)| *owner != self.me);
        own.into_iter().chain(others).flat_map(|(owner, stream)| {
            let visible = !self.hidden.contains(&owner);
            stream.rows().iter().map(move |row| Located { owner, endpoint: row, visible })
        })
    }

    /// The nodes that have endpoints on `network`, alive or not.
    #[must_use]
    pub fn participants(&self, network: NetworkId) -> BTreeSet<NodeId> {
        self.in_use().remove(&network).unwrap_or_default()
    }

    /// Whether it is known what `node` has on `network`, be it nothing.
    ///
    /// Until then nothing that leads to it is to be taken away: silence is not its owner's word.
    #[must_use]
    pub fn heard(&self, network: NetworkId, node: NodeId) -> bool {
        let attends = self.directory.attendance.get(&node);
        let absent = attends.is_some_and(|attends| !attends.networks.contains(&network));
        let Some(table) = self.tables.get(&network) else { return absent || node == self.me };
        match table.stream(node) {
            Some(stream) => stream.is_heard(),
            None => absent || (table.answered && !self.directory.is_small()),
        }
    }

    /// The networks that this node has endpoints on.
    #[must_use]
    pub fn networks(&self) -> BTreeSet<NetworkId> {
        self.tables.keys().copied().filter(|network| self.is_here(*network)).collect()
    }

    /// Who has endpoints on what, as far as this node is told: a network that stands here is in
    /// use. Managers are told of every network.
    #[must_use]
    pub fn in_use(&self) -> BTreeMap<NetworkId, BTreeSet<NodeId>> {
        let mut all: BTreeMap<NetworkId, BTreeSet<NodeId>> = BTreeMap::new();
        for (&node, attends) in &self.directory.attendance {
            for &network in &attends.networks {
                let stream = self.tables.get(&network).and_then(|table| table.stream(node));
                if stream.is_none_or(|stream| is_here(stream) || stream.head() < attends.head) {
                    all.entry(network).or_default().insert(node);
                }
            }
        }
        for (&network, table) in &self.tables {
            for (owner, stream) in table.streams().filter(|(_, stream)| is_here(stream)) {
                let attends = self.directory.attendance.get(&owner);
                if attends.is_none_or(|attends| {
                    stream.head() >= attends.head || attends.networks.contains(&network)
                }) {
                    all.entry(network).or_default().insert(owner);
                }
            }
        }
        all
    }

    /// Whether a row of `owner` is known, and this node has endpoints on `network`.
    #[must_use]
    pub fn has(&self, network: NetworkId, owner: NodeId, endpoint: EndpointId) -> bool {
        let table = self.tables.get(&network).filter(|_| self.is_here(network));
        let stream = table.and_then(|table| table.stream(owner));
        stream.is_some_and(|stream| stream.has(endpoint))
    }

    /// One number for all that is known of `network`: equal at two nodes that know the same.
    #[must_use]
    pub fn digest(&self, network: NetworkId) -> Option<u64> {
        self.tables.get(&network).map(|table| table.sums().total())
    }
}

fn is_here(stream: &Stream) -> bool {
    stream.presence() == Presence::Here
}
