//! A small cluster to send packets through.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use weft_model::{
    Endpoint, EndpointId, MacAddr, Name, Network, NetworkId, Node, NodeId, PublicKey, Role, Subnet,
    Vni, Vtep,
};
use weft_path::{Facts, Located};

pub const APP: NetworkId = NetworkId::from_random(1);
pub const DATA: NetworkId = NetworkId::from_random(2);
pub const A: NodeId = NodeId::from_random(0xa);
pub const B: NodeId = NodeId::from_random(0xb);
pub const C: NodeId = NodeId::from_random(0xc);
pub const WEB: EndpointId = EndpointId::from_random(1);
pub const CACHE: EndpointId = EndpointId::from_random(2);
pub const DB: EndpointId = EndpointId::from_random(3);
pub const STORE: EndpointId = EndpointId::from_random(4);
pub const LOST: EndpointId = EndpointId::from_random(5);

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn mac(last: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, last])
}

pub fn node(id: NodeId, called: &str, at: &str) -> Node {
    let control = format!("{at}:4790").parse().unwrap();
    Node {
        id,
        key: PublicKey::from_point([[1; 32]; 2]),
        name: name(called),
        role: Role::Worker,
        vtep: Vtep(ip(at)),
        control,
    }
}

pub fn network(id: NetworkId, called: &str, vni: u32, range: &str) -> Network {
    Network {
        id,
        name: Some(name(called)),
        vni: Vni::try_from(vni).unwrap(),
        subnets: vec![Subnet::new(range.parse().unwrap(), None, BTreeSet::new()).unwrap()],
        mtu: None,
        internal: false,
        options: BTreeMap::new(),
        labels: BTreeMap::new(),
    }
}

pub fn row(
    id: EndpointId,
    (network, owner): (NetworkId, NodeId),
    called: &str,
    addresses: &[&str],
) -> Located {
    let [.., last] = id.to_bytes();
    let endpoint = Endpoint {
        id,
        mac: mac(last),
        addresses: addresses.iter().map(|text| ip(text)).collect(),
        name: Some(name(called)),
        aliases: BTreeSet::new(),
    };
    Located { network, owner, endpoint, visible: true }
}

/// Network app: web and cache on a, db on b, lost on c, which is down. Network data: store on b.
pub fn facts() -> Facts {
    let nodes = [node(A, "a", "192.0.2.1"), node(B, "b", "192.0.2.2"), node(C, "c", "192.0.2.3")];
    let networks =
        [network(APP, "app", 4242, "10.7.0.0/24"), network(DATA, "data", 4243, "10.8.0.0/24")];
    let mut rows = [
        row(WEB, (APP, A), "web", &["10.7.0.3"]),
        row(CACHE, (APP, A), "cache", &["10.7.0.4"]),
        row(DB, (APP, B), "db", &["10.7.0.5"]),
        row(STORE, (DATA, B), "store", &["10.8.0.5"]),
        row(LOST, (APP, C), "lost", &["10.7.0.6"]),
    ];
    rows[4].visible = false;
    Facts {
        networks: networks.into_iter().map(|network| (network.id, network)).collect(),
        nodes: nodes.into_iter().map(|node| (node.id, node)).collect(),
        endpoints: rows.into_iter().map(|row| (row.endpoint.id, row)).collect(),
        ..Facts::default()
    }
}
