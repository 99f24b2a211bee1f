//! What holds in every cluster.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    unreachable_pub,
    dead_code,
    reason = "integration tests"
)]

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use proptest::prelude::*;
use weft_model::{EndpointId, Hop, NetworkId, NodeId, Vtep};
use weft_path::{
    Answerer, Arrival, Decided, Facts, Located, Reason, decap, fdb, neighbors, peers, walk, zones,
};

const NODES: u8 = 4;
const NETWORKS: u8 = 3;
const NAMES: [&str; 3] = ["web", "db", "cache"];

fn node_id(n: u8) -> NodeId {
    NodeId::from_random(u128::from(n) + 1)
}

fn network_id(n: u8) -> NetworkId {
    NetworkId::from_random(u128::from(n) + 1)
}

/// Network, host and name of the endpoint with number `at`; its addresses follow from these.
fn located(at: u8, (network, owner, called): (u8, u8, usize), down: &BTreeSet<u8>) -> Located {
    let (v4, v6) = (format!("10.{network}.0.{}", at + 2), format!("fd00:{network}::{}", at + 2));
    let id = EndpointId::from_random(u128::from(at) + 1);
    let place = (network_id(network), node_id(owner));
    let mut row = world::row(id, place, NAMES[called], &[&v4, &v6]);
    row.visible = !down.contains(&owner);
    row
}

/// Up to four hosts, some of them down, one perhaps removed; up to three networks.
fn clusters() -> impl Strategy<Value = Facts> {
    let place = (0..NETWORKS, 0..NODES, 0..NAMES.len());
    let down = prop::collection::btree_set(0..NODES, 0..3);
    let removed = prop::option::of(0..NODES);
    (prop::collection::vec(place, 1..14), down, removed).prop_map(|(places, down, removed)| {
        let networks = (0..NETWORKS).map(|n| {
            let (range, vni) = (format!("10.{n}.0.0/24"), 5000 + u32::from(n));
            (network_id(n), world::network(network_id(n), &format!("net{n}"), vni, &range))
        });
        let nodes = (0..NODES).filter(|n| Some(*n) != removed).map(|n| {
            let at = format!("192.0.2.{}", n + 1);
            (node_id(n), world::node(node_id(n), &format!("host{n}"), &at))
        });
        let rows = (0..).zip(places).map(|(at, place)| located(at, place, &down));
        Facts {
            networks: networks.collect(),
            nodes: nodes.collect(),
            endpoints: rows.map(|row| (row.endpoint.id, row)).collect(),
            ..Facts::default()
        }
    })
}

fn member(facts: &Facts) -> impl Iterator<Item = &Located> {
    facts.endpoints.values().filter(|row| facts.nodes.contains_key(&row.owner))
}

fn addresses(row: &Located) -> impl Iterator<Item = (IpAddr, String)> + '_ {
    row.endpoint.addresses.iter().map(|address| (*address, address.to_string()))
}

proptest! {
    #[test]
    fn every_endpoint_reaches_every_visible_one_of_its_network(facts in clusters()) {
        for from in member(&facts) {
            let peers = member(&facts).filter(|to| to.network == from.network && to.visible);
            for (to, address) in peers.flat_map(|to| addresses(to).map(move |(_, text)| (to, text))) {
                let journey = walk(&facts, from.endpoint.id, &address);
                let delivered = journey.delivered();
                prop_assert_eq!(delivered.map(|d| d.endpoint), Some(to.endpoint.id), "{}", journey);
                prop_assert_eq!(delivered.map(|d| d.node), Some(to.owner));
                prop_assert_eq!(journey.stays_on_host(), from.owner == to.owner);
                let hops: Vec<Hop> = journey.steps.iter().map(|step| step.hop).collect();
                prop_assert_eq!(&hops[..], &Hop::ALL[..]);
            }
        }
    }

    #[test]
    fn a_name_leads_to_an_endpoint_that_has_it_or_nowhere(facts in clusters()) {
        for from in facts.endpoints.values() {
            for name in NAMES {
                let journey = walk(&facts, from.endpoint.id, name);
                let has = |row: &&Located| {
                    row.network == from.network && row.endpoint.name == Some(world::name(name))
                };
                match (&journey.dropped, journey.delivered()) {
                    (None, Some(to)) => {
                        let row = &facts.endpoints[&to.endpoint];
                        prop_assert!(has(&row) && row.visible);
                    }
                    (Some(dropped), None) if dropped.reason == Reason::NoHealthyBackend => {
                        let mut all = facts.endpoints.values().filter(has).peekable();
                        prop_assert!(all.peek().is_some() && all.all(|row| !row.visible));
                    }
                    (Some(dropped), None) if dropped.reason == Reason::NoSuchName => {
                        prop_assert_eq!(facts.endpoints.values().filter(has).count(), 0);
                    }
                    // Its host or the sender's was removed and its rows are still there.
                    (Some(_), None) => prop_assert!(facts.nodes.len() < NODES.into()),
                    (_, _) => prop_assert!(false, "{}", journey),
                }
            }
        }
    }

    #[test]
    fn no_packet_crosses_into_another_network(facts in clusters()) {
        for from in facts.endpoints.values() {
            for to in facts.endpoints.values().filter(|to| to.network != from.network) {
                for (_, address) in addresses(to) {
                    prop_assert_eq!(walk(&facts, from.endpoint.id, &address).delivered(), None);
                }
                let zone = &facts.networks[&to.network].name;
                let name = to.endpoint.name.clone().zip(zone.clone());
                let qualified = name.map(|(name, zone)| name.within(&zone).to_string());
                let journey = walk(&facts, from.endpoint.id, &qualified.unwrap());
                prop_assert_eq!(journey.delivered(), None);
            }
        }
    }

    /// Entry for entry: what the walk decides stands in the tables, and the tables hold nothing
    /// that a walk does not decide.
    #[test]
    fn the_tables_are_what_the_walk_goes_by(facts in clusters()) {
        for (&node, &network) in facts.nodes.keys().flat_map(|n| facts.networks.keys().map(move |w| (n, w))) {
            let Some(from) = facts.local(node, network).next() else { continue };
            let (mut told_neighbors, mut told_fdb) = (BTreeMap::new(), BTreeMap::new());
            for (_, text) in facts.endpoints.values().flat_map(addresses) {
                let journey = walk(&facts, from.endpoint.id, &text);
                for step in journey.steps {
                    match step.decided {
                        Decided::Mac(near) if near.answered_by == Answerer::Host => {
                            told_neighbors.insert(near.address, near.mac);
                        }
                        Decided::Envelope(envelope) => {
                            let mac = told_neighbors[&text.parse::<IpAddr>().unwrap()];
                            told_fdb.insert(mac, envelope.destination);
                        }
                        _ => {}
                    }
                }
            }
            prop_assert_eq!(told_neighbors, neighbors(&facts, node, network));
            prop_assert_eq!(told_fdb, fdb(&facts, node, network));
        }
    }

    #[test]
    fn the_tables_hold_every_remote_endpoint_of_members_up_or_not_and_no_other(facts in clusters()) {
        for (&node, &network) in facts.nodes.keys().flat_map(|n| facts.networks.keys().map(move |w| (n, w))) {
            let remote = || member(&facts).filter(|row| row.network == network && row.owner != node);
            let ips: BTreeSet<IpAddr> =
                remote().flat_map(|row| row.endpoint.addresses.clone()).collect();
            let table = neighbors(&facts, node, network);
            prop_assert_eq!(table.keys().copied().collect::<BTreeSet<_>>(), ips);
            let homes: BTreeMap<_, _> =
                remote().map(|row| (row.endpoint.mac, facts.nodes[&row.owner].vtep)).collect();
            prop_assert_eq!(fdb(&facts, node, network), homes);
        }
    }

    #[test]
    fn nobody_is_let_in_but_the_owner(
        facts in clusters(), at in 0..NODES, outer in 0..=NODES, vni in 0..=NETWORKS, inner in 0..20u8,
    ) {
        let outer_source = IpAddr::from([192, 0, 2, outer + 1]);
        let vni = (5000 + u32::from(vni)).try_into().unwrap();
        let inner_source = world::mac(inner);
        let arrival = Arrival { outer_source, vni, inner_source };
        if let Ok(accepted) = decap(&facts, node_id(at), &arrival) {
            prop_assert!(peers(&facts, node_id(at)).contains(&Vtep(outer_source)));
            prop_assert!(facts.serves(node_id(at), accepted.network));
            prop_assert_eq!(facts.networks[&accepted.network].vni, vni);
            let owner = facts.with_mac(accepted.network, inner_source).unwrap();
            prop_assert_eq!(owner.owner, accepted.from);
            prop_assert_eq!(facts.nodes[&owner.owner].vtep, Vtep(outer_source));
        }
    }

    #[test]
    fn names_are_those_of_visible_endpoints(facts in clusters()) {
        let zones = zones(&facts);
        for network in facts.networks.keys() {
            let known: BTreeSet<IpAddr> =
                zones.get(*network).unwrap().records.values().flatten().copied().collect();
            let visible = facts.endpoints_of(*network).filter(|row| row.visible);
            let expected: BTreeSet<IpAddr> =
                visible.flat_map(|row| row.endpoint.addresses.clone()).collect();
            prop_assert_eq!(known, expected);
        }
    }
}
