//! Whatever happens, the belief of any moment that is kept is the one that was held then.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use proptest::prelude::{Strategy, any, proptest};
use proptest::{bool, collection, prop_assert, prop_assert_eq, sample};
use weft_events::{Belief, Change, Log, Moment, Row, Unknown, changes};
use weft_model::{
    Endpoint, EndpointId, MacAddr, Network, NetworkId, Node, NodeId, PublicKey, Role, Vni, Vtep,
};

const MOST: usize = 12;

fn node(id: u8, octet: u8) -> Node {
    Node {
        id: NodeId::from_random(id.into()),
        key: PublicKey::from_point([[1; 32]; 2]),
        name: format!("h{id}").parse().unwrap(),
        role: Role::Worker,
        vtep: Vtep(IpAddr::from([192, 0, 2, octet])),
        control: ([192, 0, 2, octet], 4788).into(),
    }
}

fn network(id: u8, internal: bool) -> Network {
    Network {
        id: NetworkId::from_random(id.into()),
        name: Some(format!("n{id}").parse().unwrap()),
        vni: Vni::try_from(4096 + u32::from(id)).unwrap(),
        subnets: Vec::new(),
        mtu: None,
        internal,
        options: BTreeMap::new(),
        labels: BTreeMap::new(),
    }
}

fn row(id: u8, (owner, octet, visible): (u8, u8, bool)) -> Row {
    Row {
        network: NetworkId::from_random(1),
        owner: NodeId::from_random(owner.into()),
        endpoint: Endpoint {
            id: EndpointId::from_random(id.into()),
            mac: MacAddr([2, 0, 0, 0, 0, id]),
            addresses: vec![IpAddr::from([10, 7, 0, octet])],
            name: Some(format!("c{id}").parse().unwrap()),
            aliases: BTreeSet::new(),
        },
        visible,
    }
}

fn belief() -> impl Strategy<Value = Belief> {
    let few = || 0..4_u8;
    let nodes = collection::btree_map(few(), few(), 0..4);
    let networks = collection::btree_map(few(), bool::ANY, 0..3);
    let endpoints = collection::btree_map(few(), (few(), few(), bool::ANY), 0..4);
    let sets = (
        collection::btree_set(few(), 0..3),
        collection::btree_set(few(), 0..3),
        sample::subsequence(vec!["d1", "d2"], 0..=2),
    );
    (nodes, networks, endpoints, sets, any::<(bool, bool)>()).prop_map(
        |(nodes, networks, endpoints, (down, leases, mirrored), (managed, disowned))| Belief {
            nodes: nodes
                .into_iter()
                .map(|(id, o)| (NodeId::from_random(id.into()), node(id, o)))
                .collect(),
            down: down.into_iter().map(|id| NodeId::from_random(id.into())).collect(),
            networks: networks
                .into_iter()
                .map(|(id, i)| (NetworkId::from_random(id.into()), network(id, i)))
                .collect(),
            endpoints: endpoints
                .into_iter()
                .map(|(id, of)| (EndpointId::from_random(id.into()), row(id, of)))
                .collect(),
            blocks: leases
                .iter()
                .map(|id| (NetworkId::from_random(1), format!("10.7.{id}.0/29").parse().unwrap()))
                .collect(),
            leases: leases
                .iter()
                .map(|id| (NetworkId::from_random(1), IpAddr::from([10, 7, *id, 2])))
                .collect(),
            mirrored: mirrored
                .into_iter()
                .map(|id| (id.to_owned(), NetworkId::from_random(1)))
                .collect(),
            managed,
            disowned,
        },
    )
}

proptest! {
    #[test]
    fn what_changed_makes_the_one_the_other(before in belief(), after in belief()) {
        let mut made = before.clone();
        let found = changes(&before, &after);
        found.iter().for_each(|change| made.apply(change));
        prop_assert_eq!(&made, &after);
        prop_assert!(changes(&after, &after).is_empty());
        prop_assert!(before == after || !found.is_empty());
    }

    #[test]
    fn a_moment_that_is_kept_is_recalled_as_it_was(history in collection::vec(belief(), 1..20)) {
        let mut log = Log::begin(Moment(0), MOST);
        let mut held = vec![(Moment(0), Belief::default())];
        for (turn, belief) in (1_u64..).zip(history) {
            for change in changes(log.now(), &belief) {
                let noted = log.note(Moment(turn * 10), change, None);
                prop_assert!(!noted.event.told.is_empty() && !noted.event.who.is_empty());
            }
            prop_assert_eq!(log.now(), &belief);
            held.push((Moment(turn * 10), belief));
        }
        prop_assert!(log.events().count() <= 2 * MOST);
        for (at, belief) in held {
            match log.at(Moment(at.0 + 5)) {
                Ok(recalled) => prop_assert_eq!(recalled.belief, belief),
                Err(Unknown { since }) => prop_assert!(since > at),
            }
        }
    }

    #[test]
    fn a_history_goes_on_after_a_restart(history in collection::vec(belief(), 1..20)) {
        let mut log = Log::begin(Moment(0), MOST);
        let (mut old, mut new) = (None, weft_events::Chapter::default());
        for (turn, belief) in (1_u64..).zip(history) {
            for change in changes(log.now(), &belief) {
                let noted = log.note(Moment(turn), change, None);
                if let Some(opened) = noted.opens {
                    old = Some(std::mem::replace(&mut new, opened));
                }
                new.events.push(noted.event);
            }
        }
        let resumed = Log::resume(old, new, MOST);
        prop_assert_eq!(resumed.now(), log.now());
        prop_assert_eq!(resumed.since(), log.since());
        prop_assert!(resumed.events().eq(log.events()));
    }
}

#[test]
fn an_event_reads_back_as_it_was_written() {
    let mut log = Log::begin(Moment(1), MOST);
    let row = row(1, (1, 2, true));
    for change in [
        Change::NodeJoined { node: node(1, 1) },
        Change::NetworkMade { network: network(1, false) },
        Change::EndpointCame { row },
        Change::ManagerFound,
        Change::KernelApplied { changes: vec!["one".into()] },
    ] {
        let event = log.note(Moment(2), change, None).event;
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<weft_events::Event>(&json).unwrap(), event, "{json}");
        assert!(json.contains(&format!("\"what\":\"{}\"", event.change.word())), "{json}");
    }
    let told: Vec<&str> = log.events().map(|event| event.told.as_str()).collect();
    assert_eq!(
        told,
        [
            "node h1 joined, at 192.0.2.1",
            "network n1 was made, VNI 4097",
            "c1 (10.7.0.2) on n1 at h1 came",
            "a manager answers",
            "the kernel was programmed: one",
        ]
    );
}

#[test]
fn a_row_is_as_old_as_the_change_that_made_it_what_it_is() {
    let mut log = Log::begin(Moment(0), 100);
    let (one, other) = (row(1, (1, 1, true)), row(1, (1, 2, true)));
    log.note(Moment(10), Change::EndpointCame { row: one.clone() }, None);
    log.note(Moment(20), Change::AgentStopped, None);
    log.note(Moment(30), Change::EndpointHidden { id: one.endpoint.id }, None);
    assert_eq!(log.known_since(&one), Some(Moment(10)));
    assert_eq!(log.known_since(&other), None, "it says something else");
    log.note(Moment(40), Change::EndpointGone { id: one.endpoint.id }, None);
    assert_eq!(log.known_since(&one), None);
    log.note(Moment(50), Change::EndpointCame { row: one.clone() }, None);
    assert_eq!(log.known_since(&one), Some(Moment(50)));
}

#[test]
fn a_clock_that_is_set_back_brings_nothing_out_of_order() {
    let mut log = Log::begin(Moment(100), MOST);
    log.note(Moment(200), Change::ManagerFound, None);
    let event = log.note(Moment(150), Change::ManagerLost, None).event;
    assert_eq!(event.at, Moment(200));
    assert_eq!(log.at(Moment(99)), Err(Unknown { since: Moment(100) }));
    assert!(!log.at(Moment(150)).unwrap().belief.managed);
}

#[test]
fn it_is_said_when_the_agent_may_have_been_away() {
    let mut log = Log::begin(Moment(0), MOST);
    log.note(Moment(10), Change::ManagerFound, None);
    log.note(Moment(20), Change::AgentStopped, None);
    log.note(Moment(30), Change::AgentStarted { version: "1".into() }, None);
    let away = |at| log.at(Moment(at)).unwrap().away();
    assert_eq!([away(5), away(15), away(25), away(35)], [false, false, true, false]);
}

#[test]
fn events_are_searched_by_kind() {
    let drift = Change::KernelDrift { difference: String::new() };
    assert!(drift.is("drift") && drift.is("kernel") && drift.is("kernel_drift"));
    assert!(!drift.is("ker") && !drift.is("endpoint"));
}

#[test]
fn an_endpoint_that_has_ended_is_told_of_by_the_name_that_it_had() {
    let mut log = Log::begin(Moment(0), MOST);
    let (named, mut ended) = (row(1, (1, 2, true)), row(1, (1, 2, true)));
    ended.endpoint.name = None;
    log.note(Moment(10), Change::EndpointCame { row: named }, None);
    let event = log.note(Moment(20), Change::EndpointChanged { row: ended }, None).event;
    assert!(event.told.starts_with("c1 (10.7.0.2) on "), "{event:?}");
    assert!(event.told.ends_with(" is found by no name any more"), "{event:?}");
    assert_eq!(event.why, "its process has ended");
}
