//! One entry, parsed: what the view indexes.

use serde::de::DeserializeOwned;
use weft_model::{Name, Network, NetworkId, Node, NodeId, Vni};

use crate::{Block, Cluster, Key, Quarantine, TokenHash, View};

/// A value, checked against its key.
pub(super) enum Record {
    Cluster(Cluster),
    Node(Node),
    NodeName(Name, NodeId),
    Network(Network),
    NetworkName(Name, NetworkId),
    Vni(Vni, NetworkId),
    Block(Block),
    Counter(String, u64),
    Token(TokenHash),
    Certificate(NodeId, u64),
    Quarantine(Quarantine),
}

impl Record {
    pub(super) fn parse(key: &Key, value: &[u8]) -> Result<Self, String> {
        let record = match key {
            Key::Cluster => Self::Cluster(json(value)?),
            Key::Node(_) => Self::Node(json(value)?),
            Key::NodeName(name) => Self::NodeName(name.clone(), json(value)?),
            Key::Network(_) => Self::Network(json(value)?),
            Key::NetworkName(name) => Self::NetworkName(name.clone(), json(value)?),
            Key::Vni(vni) => Self::Vni(*vni, json(value)?),
            Key::Block(..) => Self::Block(json(value)?),
            Key::Managers | Key::Networks | Key::BlocksOf(_) => {
                Self::Counter(key.to_string(), json(value)?)
            }
            Key::Token(_) => Self::Token(json(value)?),
            Key::Quarantine(_) => Self::Quarantine(json(value)?),
            Key::Certificate(id) => Self::Certificate(*id, json(value)?),
        };
        if record.belongs_to(key) { Ok(record) } else { Err("it is about something else".into()) }
    }

    fn belongs_to(&self, key: &Key) -> bool {
        match (self, key) {
            (Self::Node(node), Key::Node(id)) => node.id == *id,
            (Self::Network(network), Key::Network(id)) => network.id == *id,
            (Self::Block(block), Key::Block(network, range)) => {
                block.network == *network && block.range == *range
            }
            (Self::Quarantine(of), Key::Quarantine(vni)) => of.vni == *vni,
            (Self::Token(token), Key::Token(role)) => token.role == *role,
            _no_identity => true,
        }
    }
}

impl View {
    pub(super) fn index(&mut self, record: Record) {
        match record {
            Record::Cluster(cluster) => self.cluster = Some(cluster),
            Record::Node(node) => {
                self.nodes.insert(node.id, node);
            }
            Record::NodeName(name, id) => {
                self.node_names.insert(name, id);
            }
            Record::Network(network) => {
                self.networks.insert(network.id, network);
            }
            Record::NetworkName(name, id) => {
                self.network_names.insert(name, id);
            }
            Record::Vni(vni, id) => {
                self.vnis.insert(vni, id);
            }
            Record::Block(block) => {
                self.blocks.insert((block.network, block.range), block);
            }
            Record::Counter(key, number) => {
                self.counters.insert(key, number);
            }
            Record::Token(token) => {
                self.tokens.insert(token.role, token);
            }
            Record::Quarantine(of) => {
                self.quarantines.insert(of.vni, of);
            }
            Record::Certificate(id, generation) => {
                self.certificates.insert(id, generation);
            }
        }
    }

    pub(super) fn unindex(&mut self, key: &Key) {
        match key {
            Key::Cluster => self.cluster = None,
            Key::Node(id) => {
                self.nodes.remove(id);
            }
            Key::NodeName(name) => {
                self.node_names.remove(name);
            }
            Key::Network(id) => {
                self.networks.remove(id);
            }
            Key::NetworkName(name) => {
                self.network_names.remove(name);
            }
            Key::Vni(vni) => {
                self.vnis.remove(vni);
            }
            Key::Block(network, range) => {
                self.blocks.remove(&(*network, *range));
            }
            Key::Managers | Key::Networks | Key::BlocksOf(_) => {
                self.counters.remove(&key.to_string());
            }
            Key::Token(role) => {
                self.tokens.remove(role);
            }
            Key::Quarantine(vni) => {
                self.quarantines.remove(vni);
            }
            Key::Certificate(id) => {
                self.certificates.remove(id);
            }
        }
    }
}

fn json<T: DeserializeOwned>(value: &[u8]) -> Result<T, String> {
    serde_json::from_slice(value).map_err(|error| error.to_string())
}
