//! The keys of the registry, as text and parsed.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use weft_model::{Name, NetworkId, NodeId, Role, Vni};

/// Where a record is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// `/cluster`: what all nodes agree on.
    Cluster,
    /// `/node/<id>`: a node.
    Node(NodeId),
    /// `/node-name/<name>`: the id of the node called so.
    NodeName(Name),
    /// `/certificate/<node id>`: the generation of the CA that the node has a certificate of.
    Certificate(NodeId),
    /// `/managers`: counts losses of managers, so that two of them do not remove each other.
    Managers,
    /// `/network/<id>`: a network.
    Network(NetworkId),
    /// `/network-name/<name>`: the id of the network called so.
    NetworkName(Name),
    /// `/networks`: counts networks made, so that no two are made with overlapping subnets.
    Networks,
    /// `/vni/<n>`: the id of the network that has this VNI.
    Vni(Vni),
    /// `/quarantine/<n>`: who may still have something of the network that had this VNI.
    Quarantine(Vni),
    /// `/block/<network>/<range, with _ for />`: a block.
    Block(NetworkId, IpNet),
    /// `/blocks-of/<network>`: counts blocks claimed, so that no two are claimed that overlap.
    /// It outlives the network: whoever has one cannot be made again.
    BlocksOf(NetworkId),
    /// `/token/<role>`: the hash of a join token.
    Token(Role),
}

/// A text that begins like a registry key and is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key of the registry")]
pub struct KeyError(pub String);

impl Key {
    /// Parses a key; none for a kind of key that this version does not know.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the kind is known and the rest is malformed.
    pub fn parse(text: &str) -> Result<Option<Self>, KeyError> {
        let path = text.strip_prefix('/').unwrap_or(text);
        let (kind, rest) = path.split_once('/').unwrap_or((path, ""));
        let key = match kind {
            "cluster" => Some(Self::Cluster),
            "managers" => Some(Self::Managers),
            "networks" => Some(Self::Networks),
            "node" => parsed(rest).map(Self::Node),
            "certificate" => parsed(rest).map(Self::Certificate),
            "node-name" => parsed(rest).map(Self::NodeName),
            "network" => parsed(rest).map(Self::Network),
            "network-name" => parsed(rest).map(Self::NetworkName),
            "vni" => vni(rest).map(Self::Vni),
            "quarantine" => vni(rest).map(Self::Quarantine),
            "block" => block(rest),
            "blocks-of" => parsed(rest).map(Self::BlocksOf),
            "token" => role(rest).map(Self::Token),
            _unknown => return Ok(None),
        };
        let exact = key.filter(|key| key.to_string() == text);
        exact.map(Some).ok_or_else(|| KeyError(text.to_owned()))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("/cluster"),
            Self::Node(id) => write!(f, "/node/{id}"),
            Self::Certificate(id) => write!(f, "/certificate/{id}"),
            Self::NodeName(name) => write!(f, "/node-name/{name}"),
            Self::Managers => f.write_str("/managers"),
            Self::Network(id) => write!(f, "/network/{id}"),
            Self::NetworkName(name) => write!(f, "/network-name/{name}"),
            Self::Networks => f.write_str("/networks"),
            Self::Vni(vni) => write!(f, "/vni/{vni}"),
            Self::Quarantine(vni) => write!(f, "/quarantine/{vni}"),
            Self::Block(network, range) => {
                write!(f, "/block/{network}/{}_{}", range.addr(), range.prefix_len())
            }
            Self::BlocksOf(network) => write!(f, "/blocks-of/{network}"),
            Self::Token(Role::Manager) => f.write_str("/token/manager"),
            Self::Token(Role::Worker) => f.write_str("/token/worker"),
        }
    }
}

fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn vni(text: &str) -> Option<Vni> {
    Vni::try_from(parsed::<u32>(text)?).ok()
}

fn role(text: &str) -> Option<Role> {
    match text {
        "manager" => Some(Role::Manager),
        "worker" => Some(Role::Worker),
        _other => None,
    }
}

fn block(text: &str) -> Option<Key> {
    let (network, range) = text.split_once('/')?;
    let (address, prefix) = range.split_once('_')?;
    let range = IpNet::new(parsed(address)?, parsed(prefix)?).ok()?;
    Some(Key::Block(parsed(network)?, range))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_back_as_it_was_written() {
        let network = NetworkId::from_random(7);
        let name: Name = "shop".parse().unwrap();
        let keys = [
            Key::Cluster,
            Key::Node(NodeId::from_random(1)),
            Key::Certificate(NodeId::from_random(1)),
            Key::NodeName(name.clone()),
            Key::Managers,
            Key::Network(network),
            Key::NetworkName(name),
            Key::Networks,
            Key::Vni(Vni::from_random(5)),
            Key::Quarantine(Vni::from_random(5)),
            Key::Block(network, "10.7.0.8/29".parse().unwrap()),
            Key::Block(network, "fd00::8/125".parse().unwrap()),
            Key::BlocksOf(network),
            Key::Token(Role::Manager),
            Key::Token(Role::Worker),
        ];
        for key in keys {
            assert_eq!(Key::parse(&key.to_string()), Ok(Some(key)));
        }
    }

    #[test]
    fn malformed_keys_of_a_known_kind_are_told() {
        for text in
            ["/node/x", "/vni/1", "/block/10.7.0.0_29", "/token/boss", "/cluster/x", "cluster"]
        {
            assert_eq!(Key::parse(text), Err(KeyError(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn keys_of_newer_versions_are_left_alone() {
        assert_eq!(Key::parse("/service/web"), Ok(None));
    }
}
