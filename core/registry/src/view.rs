//! What a node knows of the registry: the entries, parsed and indexed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use weft_model::{Name, Network, NetworkId, Node, NodeId, Role, Vni};

use crate::{
    Block, Change, Cluster, Condition, Entry, Key, Quarantine, Revision, Snapshot, TokenHash,
};

mod record;

use record::Record;

/// The registry as of some revision; it may be older than what the managers have.
///
/// A commit reaches a view change by change. Until its last change has come the view is between two
/// revisions; decisions made then are safe, since the counters that they depend on come last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    revision: Revision,
    entries: BTreeMap<String, Entry>,
    cluster: Option<Cluster>,
    nodes: BTreeMap<NodeId, Node>,
    node_names: BTreeMap<Name, NodeId>,
    networks: BTreeMap<NetworkId, Network>,
    network_names: BTreeMap<Name, NetworkId>,
    vnis: BTreeMap<Vni, NetworkId>,
    blocks: BTreeMap<(NetworkId, IpNet), Block>,
    counters: BTreeMap<String, u64>,
    tokens: BTreeMap<Role, TokenHash>,
    certificates: BTreeMap<NodeId, u64>,
    quarantines: BTreeMap<Vni, Quarantine>,
}

/// An entry of the registry cannot be read. The view has not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the registry's entry `{key}` cannot be read: {cause}")]
pub struct ViewError {
    /// The entry.
    pub key: String,
    /// What is wrong with it.
    pub cause: String,
}

impl ViewError {
    /// What to try next.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        "a newer version of Weft may have written it: upgrade this node; otherwise restore the managers' state from a backup"
    }
}

impl View {
    /// Parses a whole registry.
    ///
    /// # Errors
    ///
    /// [`ViewError`] names the first entry that cannot be read.
    pub fn from_snapshot(snapshot: &Snapshot) -> Result<Self, ViewError> {
        let mut view = Self { revision: snapshot.revision, ..Self::default() };
        for entry in &snapshot.entries {
            view.put(entry.clone())?;
        }
        Ok(view)
    }

    /// Follows one change. A change that is older than the view is ignored.
    ///
    /// # Errors
    ///
    /// [`ViewError`] if the new value cannot be read; nothing has changed then.
    pub fn apply(&mut self, change: &Change) -> Result<(), ViewError> {
        if change.revision < self.revision {
            return Ok(());
        }
        match &change.value {
            Some(value) => self.put(Entry {
                key: change.key.clone(),
                value: value.clone(),
                modified: change.revision,
            })?,
            None => self.delete(&change.key)?,
        }
        self.revision = change.revision;
        Ok(())
    }

    /// All entries again.
    #[must_use]
    pub fn to_snapshot(&self) -> Snapshot {
        Snapshot { revision: self.revision, entries: self.entries.values().cloned().collect() }
    }

    /// The last revision that something is known of.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// What all nodes agree on; none before the cluster is founded.
    #[must_use]
    pub const fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// The members.
    #[must_use]
    pub const fn nodes(&self) -> &BTreeMap<NodeId, Node> {
        &self.nodes
    }

    /// A member.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    /// The member called so.
    #[must_use]
    pub fn node_named(&self, name: &Name) -> Option<&Node> {
        self.node_names.get(name).and_then(|id| self.nodes.get(id))
    }

    /// The networks.
    #[must_use]
    pub const fn networks(&self) -> &BTreeMap<NetworkId, Network> {
        &self.networks
    }

    /// A network.
    #[must_use]
    pub fn network(&self, id: NetworkId) -> Option<&Network> {
        self.networks.get(&id)
    }

    /// The network called so.
    #[must_use]
    pub fn network_named(&self, name: &Name) -> Option<&Network> {
        self.network_names.get(name).and_then(|id| self.networks.get(id))
    }

    /// The network that has this VNI.
    #[must_use]
    pub fn network_of(&self, vni: Vni) -> Option<&Network> {
        self.vnis.get(&vni).and_then(|id| self.networks.get(id))
    }

    /// VNIs that wait until nothing of their network is left anywhere.
    pub fn quarantines(&self) -> impl Iterator<Item = &Quarantine> {
        self.quarantines.values()
    }

    /// Why a VNI cannot be used again yet.
    #[must_use]
    pub fn quarantine(&self, vni: Vni) -> Option<&Quarantine> {
        self.quarantines.get(&vni)
    }

    /// The blocks of a network, ordered by address.
    pub fn blocks(&self, network: NetworkId) -> impl Iterator<Item = &Block> {
        let from = (network, IpNet::V4(Ipv4Net::default()));
        self.blocks.range(from..).map(|(_, block)| block).take_while(move |b| b.network == network)
    }

    /// The blocks of a network that a node may lease from.
    pub fn blocks_of(&self, network: NetworkId, owner: NodeId) -> impl Iterator<Item = &Block> {
        self.blocks(network).filter(move |block| block.owner == owner)
    }

    /// The generation of the block of a network that a node was given last, of those that it has; 0
    /// without any.
    #[must_use]
    pub fn newest_block(&self, network: NetworkId, owner: NodeId) -> u64 {
        self.blocks_of(network, owner).map(|block| block.generation).max().unwrap_or_default()
    }

    /// Whether less than half of a network's addresses are in blocks, so that a node may take one
    /// before it needs it without another going short.
    #[must_use]
    pub fn has_plenty(&self, network: NetworkId) -> bool {
        let size = |range: IpNet| 1_u128 << (range.max_prefix_len() - range.prefix_len()).min(127);
        let subnet = self.network(network).and_then(|network| network.subnets.first());
        let given: u128 = self.blocks(network).map(|block| size(block.range)).sum();
        subnet.is_some_and(|subnet| given.saturating_mul(2) < size(subnet.range))
    }

    /// All blocks of all networks.
    pub fn all_blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.values()
    }

    /// One block.
    #[must_use]
    pub fn block(&self, network: NetworkId, range: IpNet) -> Option<&Block> {
        self.blocks.get(&(network, range))
    }

    /// The block that an address is in.
    #[must_use]
    pub fn block_of(&self, network: NetworkId, address: IpAddr) -> Option<&Block> {
        // Blocks never overlap: the last one that begins at or before the address, or none.
        let up_to = (network, IpNet::from(address));
        let (_, block) = self.blocks.range(..=up_to).next_back()?;
        (block.network == network && block.range.contains(&address)).then_some(block)
    }

    /// What is known of the join token for a role.
    #[must_use]
    pub fn token(&self, role: Role) -> Option<&TokenHash> {
        self.tokens.get(&role)
    }

    /// The generation of the CA that a node has said to have a certificate of.
    #[must_use]
    pub fn certificate(&self, node: NodeId) -> Option<u64> {
        self.certificates.get(&node).copied()
    }

    /// The nodes that have said of no certificate of this generation's CA.
    pub fn uncertified(&self, generation: u64) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(move |node| self.certificate(node.id) != Some(generation))
    }

    /// What must still hold when a decision made from this view commits: the entry, or its absence.
    #[must_use]
    pub fn unchanged(&self, key: &Key) -> Condition {
        let key = key.to_string();
        match self.entries.get(&key) {
            Some(entry) => Condition::Unchanged { key, modified: entry.modified },
            None => Condition::Absent(key),
        }
    }

    /// Whether a counter was ever used.
    pub(crate) fn has_counted(&self, counter: &Key) -> bool {
        self.counters.contains_key(&counter.to_string())
    }

    /// The next number of a counter.
    pub(crate) fn next(&self, counter: &Key) -> u64 {
        self.counters.get(&counter.to_string()).map_or(1, |last| last.saturating_add(1))
    }

    pub(crate) fn vni_is_taken(&self, vni: Vni) -> bool {
        self.vnis.contains_key(&vni) || self.quarantines.contains_key(&vni)
    }

    pub(crate) fn network_with_name(&self, name: &Name) -> Option<NetworkId> {
        self.network_names.get(name).copied()
    }

    pub(crate) fn node_with_name(&self, name: &Name) -> Option<NodeId> {
        self.node_names.get(name).copied()
    }

    fn put(&mut self, entry: Entry) -> Result<(), ViewError> {
        let key = key_of(&entry.key)?;
        if let Some(key) = key {
            let record = Record::parse(&key, &entry.value)
                .map_err(|cause| ViewError { key: entry.key.clone(), cause })?;
            self.index(record);
        }
        self.entries.insert(entry.key.clone(), entry);
        Ok(())
    }

    fn delete(&mut self, text: &str) -> Result<(), ViewError> {
        if let Some(key) = key_of(text)? {
            self.unindex(&key);
        }
        self.entries.remove(text);
        Ok(())
    }
}

fn key_of(text: &str) -> Result<Option<Key>, ViewError> {
    Key::parse(text).map_err(|error| ViewError { key: text.to_owned(), cause: error.to_string() })
}

#[cfg(test)]
mod tests;
