//! Walks through a small cluster, and how they are told.
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

use weft_model::{EndpointId, Hop, Vni, Vtep};
use weft_path::{
    Arrival, Facts, Journey, Reason, decap, fdb, neighbors, peers, walk, walk_sized, zones,
};
use world::{A, APP, B, C, DB, WEB, facts, ip, mac, name, row};

#[track_caller]
fn check_dropped(journey: &Journey, reason: Reason, told: &str) {
    let dropped = journey.dropped.as_ref().expect("dropped");
    assert_eq!((dropped.hop, dropped.reason), (reason.hop(), reason));
    assert_eq!(dropped.told, told);
    assert_eq!(journey.packet, None);
    let before: Vec<Hop> = Hop::ALL.into_iter().filter(|hop| *hop < dropped.hop).collect();
    let walked: Vec<Hop> = journey.steps.iter().map(|step| step.hop).collect();
    assert_eq!(walked, before);
}

#[test]
fn a_packet_to_another_host_goes_through_six_hops() {
    let journey = walk(&facts(), WEB, "db");
    assert_eq!(journey.delivered().unwrap().endpoint, DB);
    assert_eq!(
        journey.to_string(),
        "lookup   web asks for db: on network app it is 10.7.0.5\n\
         neighbor 10.7.0.5 is at 02:00:00:00:00:03: a answers at once from its own table\n\
         encap    02:00:00:00:00:03 lives on b: into VXLAN 4242 from 192.0.2.1 to 192.0.2.2, port 4789\n\
         underlay a routes 192.0.2.1 to 192.0.2.2: packets up to 1450 bytes fit inside\n\
         decap    b takes VXLAN 4242 and knows 192.0.2.1 as a, home of 02:00:00:00:00:01\n\
         deliver  db on b has it"
    );
}

#[test]
fn addresses_of_what_has_ended_are_told_beside_the_names() {
    let told = BTreeSet::from([ip("10.7.0.9")]);
    let ended = Facts { ended: BTreeMap::from([(APP, told.clone())]), ..facts() };
    let of = |facts: &Facts| zones(facts).get(APP).map(|zone| zone.ended.clone());
    assert_eq!((of(&ended), of(&facts())), (Some(told), Some(BTreeSet::new())));
}

#[test]
fn a_packet_to_the_same_host_needs_no_vxlan() {
    let journey = walk(&facts(), WEB, "cache.app");
    assert!(journey.stays_on_host());
    assert_eq!(
        journey.to_string(),
        "lookup   web asks for cache.app: on network app it is 10.7.0.4\n\
         neighbor 10.7.0.4 is at 02:00:00:00:00:02: it answers by itself\n\
         encap    stays on a: no VXLAN header is needed\n\
         underlay stays on the host\n\
         decap    stays on the host\n\
         deliver  cache on a has it"
    );
}

#[test]
fn an_address_needs_no_look_up_and_ones_own_no_neighbor() {
    let journey = walk(&facts(), WEB, "10.7.0.3");
    let lines = journey.to_string();
    assert!(lines.starts_with("lookup   web knows the address, 10.7.0.3\n"), "{lines}");
    assert!(lines.contains("10.7.0.3 is web's own address"), "{lines}");
    assert_eq!(journey.delivered().unwrap().endpoint, WEB);
}

#[test]
fn a_dropped_packet_says_where_and_why_and_what_to_try() {
    let lines = walk(&facts(), WEB, "store").to_string();
    let expected = format!(
        "lookup   dropped (no_such_name): nothing on network app is called store\ntry      {}",
        Reason::NoSuchName.hint()
    );
    assert_eq!(lines, expected);
}

#[test]
fn names_and_addresses_of_other_networks_lead_nowhere() {
    let facts = facts();
    for other in ["store", "store.data"] {
        let told = format!("nothing on network app is called {other}");
        check_dropped(&walk(&facts, WEB, other), Reason::NoSuchName, &told);
    }
    check_dropped(
        &walk(&facts, WEB, "10.8.0.5"),
        Reason::UnknownAddress,
        "nothing that web can reach on network app has 10.8.0.5",
    );
}

#[test]
fn an_unknown_sender_is_told() {
    let nobody = EndpointId::from_random(99);
    let told = format!("no endpoint {nobody} is known");
    check_dropped(&walk(&facts(), nobody, "db"), Reason::NoSuchSender, &told);
}

#[test]
fn a_host_that_is_down_loses_its_names_and_keeps_its_entries() {
    let facts = facts();
    check_dropped(
        &walk(&facts, WEB, "lost"),
        Reason::NoHealthyBackend,
        "every host on network app that has lost is down",
    );
    check_dropped(
        &walk(&facts, WEB, "10.7.0.6"),
        Reason::HostUnreachable,
        "c is down or cut off from a",
    );
    assert_eq!(neighbors(&facts, A, APP).get(&ip("10.7.0.6")), Some(&mac(5)));
    assert_eq!(fdb(&facts, A, APP).get(&mac(5)), Some(&Vtep(ip("192.0.2.3"))));
    assert!(peers(&facts, A).contains(&Vtep(ip("192.0.2.3"))));
    assert!(!zones(&facts).get(APP).unwrap().records.contains_key(&name("lost")));
}

#[test]
fn a_host_that_was_removed_loses_its_entries_too() {
    let mut facts = facts();
    facts.nodes.remove(&C);
    assert!(!neighbors(&facts, A, APP).contains_key(&ip("10.7.0.6")));
    assert!(!fdb(&facts, A, APP).contains_key(&mac(5)));
    assert_eq!(peers(&facts, A).into_iter().collect::<Vec<_>>(), [Vtep(ip("192.0.2.2"))]);
}

#[test]
fn a_host_of_the_other_ip_family_is_no_home() {
    let mut facts = facts();
    facts.nodes.get_mut(&B).unwrap().vtep = Vtep(ip("2001:db8::2"));
    assert!(!fdb(&facts, A, APP).contains_key(&mac(3)));
    check_dropped(&walk(&facts, WEB, "db"), Reason::NoHome, "a knows no host to send 10.7.0.5 to");
}

#[test]
fn what_does_not_fit_the_underlay_is_too_big() {
    let facts = facts();
    assert!(walk_sized(&facts, WEB, "db", 1450).dropped.is_none());
    assert!(walk_sized(&facts, WEB, "cache", 9000).dropped.is_none());
    check_dropped(
        &walk_sized(&facts, WEB, "db", 1451),
        Reason::TooBig,
        "the packet for 10.7.0.5 is over the 1450 bytes that fit inside VXLAN",
    );
}

#[test]
fn of_two_endpoints_with_one_address_the_one_that_is_up_counts() {
    let mut facts = facts();
    let moved = EndpointId::from_random(9);
    facts.endpoints.insert(moved, row(moved, (APP, B), "found", &["10.7.0.6"]));
    assert_eq!(neighbors(&facts, A, APP).get(&ip("10.7.0.6")), Some(&mac(9)));
    assert_eq!(walk(&facts, WEB, "10.7.0.6").delivered().unwrap().endpoint, moved);
}

#[test]
fn of_two_that_are_up_every_host_takes_the_same_one() {
    let mut facts = facts();
    let other = EndpointId::from_random(9);
    facts.endpoints.insert(other, row(other, (APP, C), "other", &["10.7.0.5"]));
    facts.endpoints.get_mut(&other).unwrap().endpoint.mac = mac(3);
    assert_eq!(neighbors(&facts, A, APP).get(&ip("10.7.0.5")), Some(&mac(3)));
    assert_eq!(fdb(&facts, A, APP).get(&mac(3)), Some(&Vtep(ip("192.0.2.2"))));
    assert_eq!(facts.with_mac(APP, mac(3)).unwrap().endpoint.id, DB);
    assert_eq!(walk(&facts, WEB, "db").delivered().unwrap().endpoint, DB);
}

#[test]
fn a_mac_address_that_is_on_the_host_has_no_entry_for_elsewhere() {
    let mut facts = facts();
    facts.endpoints.get_mut(&DB).unwrap().endpoint.mac = mac(2);
    assert!(!fdb(&facts, A, APP).contains_key(&mac(2)));
    assert!(fdb(&facts, B, APP).contains_key(&mac(1)));
}

#[test]
fn of_several_addresses_one_is_taken_that_the_sender_can_reach() {
    let mut facts = facts();
    facts.endpoints.insert(DB, row(DB, (APP, B), "db", &["10.7.0.5", "fd00::5"]));
    facts.endpoints.insert(WEB, row(WEB, (APP, A), "web", &["fd00::3"]));
    let journey = walk(&facts, WEB, "db");
    assert_eq!(journey.packet.unwrap().destination, ip("fd00::5"));
    assert!(journey.to_string().contains("it is fd00::5, or 1 more\n"), "{journey}");
}

#[test]
fn an_address_that_is_on_the_host_has_no_entry_for_elsewhere() {
    let mut facts = facts();
    let moved = EndpointId::from_random(9);
    facts.endpoints.insert(moved, row(moved, (APP, A), "found", &["10.7.0.6"]));
    assert!(!neighbors(&facts, A, APP).contains_key(&ip("10.7.0.6")));
    assert!(walk(&facts, WEB, "10.7.0.6").stays_on_host());
}

#[test]
fn a_family_that_the_sender_does_not_speak_is_unknown() {
    let mut facts = facts();
    facts.endpoints.insert(DB, row(DB, (APP, B), "db", &["10.7.0.5", "fd00::5"]));
    assert_eq!(walk(&facts, WEB, "db").packet.unwrap().destination, ip("10.7.0.5"));
    check_dropped(
        &walk(&facts, WEB, "fd00::5"),
        Reason::UnknownAddress,
        "nothing that web can reach on network app has fd00::5",
    );
}

#[track_caller]
fn check_refused(facts: &Facts, outer: &str, vni: u32, inner: u8, reason: Reason) {
    let vni = Vni::try_from(vni).unwrap();
    let arrival = Arrival { outer_source: ip(outer), vni, inner_source: mac(inner) };
    assert_eq!(decap(facts, A, &arrival), Err(reason));
}

#[test]
fn a_host_lets_in_members_that_speak_for_their_own_endpoints_on_networks_it_serves() {
    let facts = facts();
    let vni = Vni::try_from(4242).unwrap();
    let arrival = Arrival { outer_source: ip("192.0.2.2"), vni, inner_source: mac(3) };
    assert_eq!(decap(&facts, A, &arrival).unwrap().network, APP);
    check_refused(&facts, "203.0.113.9", 4242, 3, Reason::UnknownPeer);
    check_refused(&facts, "192.0.2.1", 4242, 1, Reason::UnknownPeer);
    check_refused(&facts, "192.0.2.2", 4243, 4, Reason::UnknownVni);
    check_refused(&facts, "192.0.2.2", 9999, 3, Reason::UnknownVni);
    check_refused(&facts, "192.0.2.3", 4242, 3, Reason::NotOwner);
    check_refused(&facts, "192.0.2.2", 4242, 1, Reason::NotOwner);
    check_refused(&facts, "192.0.2.2", 4242, 77, Reason::NotOwner);
}

#[test]
fn a_journey_is_the_same_after_json() {
    for to in ["db", "cache", "lost", "store"] {
        let journey = walk(&facts(), WEB, to);
        let json = serde_json::to_string(&journey).unwrap();
        assert_eq!(serde_json::from_str::<Journey>(&json).unwrap(), journey);
    }
}

#[test]
fn a_network_without_a_name_is_told_by_its_id() {
    let mut facts = facts();
    facts.networks.get_mut(&APP).unwrap().name = None;
    let journey = walk(&facts, WEB, "nothing");
    let told = format!("nothing on network {} is called nothing", APP.short());
    check_dropped(&journey, Reason::NoSuchName, &told);
}
