//! A node has what the registry gave it, whatever it says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "integration tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use proptest::prelude::*;
use weft_model::{Endpoint, EndpointId, MacAddr, Network, NetworkId, NodeId, Subnet, Vni};
use weft_registry::{Block, Claim, Claims, Doubt, Entry, Key, Row, Snapshot, View};

const NETWORK: NetworkId = NetworkId::from_random(1);
const A: NodeId = NodeId::from_random(0xa);
const B: NodeId = NodeId::from_random(0xb);
const GATEWAY: u8 = 1;

/// A registry with one network, 10.7.0.0/24, and these blocks of it: the third part of the first
/// address, divided by eight, and the owner.
fn view(blocks: &BTreeMap<u8, NodeId>) -> View {
    let range: IpNet = "10.7.0.0/24".parse().unwrap();
    let network = Network {
        id: NETWORK,
        name: None,
        vni: Vni::from_random(7),
        subnets: vec![Subnet::new(range, None, BTreeSet::new()).unwrap()],
        mtu: None,
        internal: false,
        options: BTreeMap::new(),
        labels: BTreeMap::new(),
    };
    let entry = |key: Key, value: Vec<u8>| Entry { key: key.to_string(), value, modified: 1 };
    let mut entries = vec![entry(Key::Network(NETWORK), serde_json::to_vec(&network).unwrap())];
    for (&nth, &owner) in blocks {
        let range: IpNet = format!("10.7.0.{}/29", nth * 8).parse().unwrap();
        let block = Block { network: NETWORK, range, owner, generation: 1 };
        entries.push(entry(Key::Block(NETWORK, range), serde_json::to_vec(&block).unwrap()));
    }
    View::from_snapshot(&Snapshot { revision: 1, entries }).unwrap()
}

fn address(host: u8) -> IpAddr {
    [10, 7, 0, host].into()
}

fn endpoint(id: u128, host: u8, mac: u8) -> Endpoint {
    Endpoint {
        id: EndpointId::from_random(id),
        mac: MacAddr([2, 0, 0, 0, 0, mac]),
        addresses: vec![address(host)],
        name: None,
        aliases: BTreeSet::new(),
    }
}

const fn row(owner: NodeId, endpoint: &Endpoint) -> Row<'_> {
    Row { network: NETWORK, owner, endpoint, visible: true, own: false }
}

#[test]
fn a_row_is_believed_as_soon_as_the_view_has_its_block_and_nothing_is_told_meanwhile() {
    let (mut claims, now) = (Claims::default(), Instant::now());
    let web = endpoint(1, 10, 1);
    let rows = [row(A, &web)];
    let held = claims.judge(now, (&view(&BTreeMap::new()), true), &rows);
    assert_eq!(held, BTreeSet::from([(A, web.id)]));
    let known = view(&BTreeMap::from([(1, A)]));
    let held = claims.judge(now + Duration::from_millis(50), (&known, true), &rows);
    assert_eq!((held.len(), claims.poll_told()), (0, None));
}

#[test]
fn a_row_with_an_address_of_another_nodes_block_is_held_and_told_of_once() {
    let (mut claims, now) = (Claims::default(), Instant::now());
    let view = view(&BTreeMap::from([(1, A), (2, B)]));
    let (own, stolen) = (endpoint(1, 10, 1), endpoint(2, 11, 2));
    let mut at = |seconds| {
        let rows = [row(A, &own), row(B, &stolen)];
        let held = claims.judge(now + Duration::from_secs(seconds), (&view, true), &rows);
        (held, claims.poll_told())
    };
    let held = BTreeSet::from([(B, stolen.id)]);
    assert_eq!(at(0), (held.clone(), None));
    let told = at(2).1.expect("it stays wrong");
    let claim = Claim::Foreign { address: address(11), owner: Some(A) };
    assert_eq!((told.by, told.endpoint, told.doubt), (B, stolen.id, Doubt::Address(claim)));
    assert_eq!(at(9), (held, None));
    assert_eq!(claims.standing(), BTreeMap::from([(B, 1)]));
}

#[test]
fn a_row_whose_block_the_registry_has_lost_is_believed_until_another_node_has_it() {
    let (mut claims, now) = (Claims::default(), Instant::now());
    let (web, new) = (endpoint(1, 10, 1), endpoint(2, 12, 2));
    let mut with = |blocks| {
        let rows = [row(A, &web), row(A, &new)];
        claims.judge(
            now,
            (&view(&blocks), true),
            if blocks.is_empty() { &rows } else { &rows[..1] },
        )
    };
    assert_eq!(with(BTreeMap::from([(1, A)])), BTreeSet::new());
    assert_eq!(with(BTreeMap::new()), BTreeSet::from([(A, new.id)]), "only what was right before");
    assert_eq!(with(BTreeMap::from([(1, B)])), BTreeSet::from([(A, web.id)]));
    assert_eq!(with(BTreeMap::new()), BTreeSet::from([(A, web.id), (A, new.id)]));
}

#[test]
fn nobody_has_the_gateway_or_an_address_outside() {
    let view = view(&BTreeMap::from([(0, A)]));
    for wrong in [address(GATEWAY), address(0), [10, 8, 0, 2].into()] {
        let claim = view.claim(NETWORK, A, &[address(2), wrong]);
        assert_eq!(claim, Claim::Foreign { address: wrong, owner: None });
    }
    assert_eq!(view.claim(NETWORK, A, &[address(2), address(7)]), Claim::Owned);
    assert_eq!(view.claim(NETWORK, A, &[address(8)]), Claim::Unclaimed(address(8)));
    assert_eq!(view.block_of(NETWORK, address(8)), None);
}

#[test]
fn who_has_lost_the_managers_believes_in_blocks_that_it_has_not_heard_of() {
    let (mut claims, now) = (Claims::default(), Instant::now());
    let known = view(&BTreeMap::from([(1, A)]));
    let (new, stolen) = (endpoint(1, 20, 1), endpoint(2, 11, 2));
    for seconds in [0, 60] {
        let rows = [row(B, &new), row(B, &stolen)];
        let held = claims.judge(now + Duration::from_secs(seconds), (&known, false), &rows);
        assert_eq!((held, claims.poll_told()), (BTreeSet::from([(B, stolen.id)]), None));
    }
}

#[test]
fn a_mac_is_of_whom_had_it_first_unless_that_one_is_down() {
    let (mut claims, now) = (Claims::default(), Instant::now());
    let view = view(&BTreeMap::from([(1, A), (2, B)]));
    let (first, second) = (endpoint(9, 10, 1), endpoint(3, 18, 1));
    claims.judge(now, (&view, true), &[row(A, &first)]);
    let mut at = |seconds, up| {
        let rows = [Row { visible: up, ..row(A, &first) }, row(B, &second)];
        claims.judge(now + Duration::from_secs(seconds), (&view, true), &rows)
    };
    assert_eq!(at(1, true), BTreeSet::from([(B, second.id)]));
    assert_eq!(at(2, false), BTreeSet::from([(A, first.id)]));
    assert_eq!(at(3, true), BTreeSet::from([(B, second.id)]));
}

#[test]
fn a_mac_of_this_node_is_nobody_elses_even_if_the_other_had_it_first() {
    let (mut claims, now) = (Claims::default(), Instant::now());
    let view = view(&BTreeMap::from([(1, A), (2, B)]));
    let (first, mine) = (endpoint(3, 10, 1), endpoint(9, 18, 1));
    assert_eq!(claims.judge(now, (&view, true), &[row(A, &first)]), BTreeSet::new());
    let rows = [row(A, &first), Row { own: true, ..row(B, &mine) }];
    for seconds in [1, 4] {
        let held = claims.judge(now + Duration::from_secs(seconds), (&view, true), &rows);
        assert_eq!(held, BTreeSet::from([(A, first.id)]));
    }
    let doubt = Doubt::Mac { mac: mine.mac, owner: B };
    assert_eq!(claims.poll_told().map(|told| (told.by, told.doubt)), Some((A, doubt)));
}

proptest! {
    /// Whatever nodes claim, in views however old: among what is believed no two nodes have the
    /// same address or MAC, and everything that is right in a fresh view is believed unless its MAC
    /// is another's.
    #[test]
    fn what_is_believed_is_never_twos(
        blocks in prop::collection::btree_map(0..4_u8, prop::sample::select(vec![A, B]), 0..4),
        rows in prop::collection::vec((any::<bool>(), 0..6_u128, 0..34_u8, 0..5_u8, any::<bool>()), 0..12),
        fresh: bool,
    ) {
        let view = view(&blocks);
        let made: BTreeMap<u128, (NodeId, Endpoint, bool)> = rows
            .into_iter()
            .map(|(a, id, host, mac, up)| (id, (if a { A } else { B }, endpoint(id, host, mac), up)))
            .collect();
        let all: Vec<Row<'_>> = made
            .values()
            .map(|(owner, endpoint, up)| Row { visible: *up, ..row(*owner, endpoint) })
            .collect();
        let held = Claims::default().judge(Instant::now(), (&view, fresh), &all);
        let believed: Vec<_> =
            all.iter().filter(|row| !held.contains(&(row.owner, row.endpoint.id))).collect();
        for (one, other) in believed.iter().flat_map(|one| believed.iter().map(move |o| (one, o))) {
            if one.owner != other.owner {
                prop_assert_ne!(one.endpoint.mac, other.endpoint.mac);
                prop_assert!(!fresh || one.endpoint.addresses != other.endpoint.addresses);
            }
        }
        for row in all.iter().filter(|_| fresh) {
            let owned = view.claim(NETWORK, row.owner, &row.endpoint.addresses) == Claim::Owned;
            let held = held.contains(&(row.owner, row.endpoint.id));
            let shared = all.iter().any(|o| o.owner != row.owner && o.endpoint.mac == row.endpoint.mac);
            prop_assert!(!held || !owned || shared);
            prop_assert!(held || owned);
        }
    }
}
