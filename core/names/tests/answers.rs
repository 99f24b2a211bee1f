//! Who is answered what.
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

use weft_model::{Endpoint, EndpointId, MacAddr, Name, Network, NetworkId, Subnet, Vni};
use weft_names::{Answer, Asker, Kind, Question, Zone, Zones, answer};

const APP: NetworkId = NetworkId::from_random(1);
const DATA: NetworkId = NetworkId::from_random(2);

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn network(id: NetworkId, called: &str, range: &str, internal: bool) -> Network {
    Network {
        id,
        name: Some(name(called)),
        vni: Vni::from_random(7),
        subnets: vec![Subnet::new(range.parse().unwrap(), None, BTreeSet::new()).unwrap()],
        mtu: None,
        internal,
        options: BTreeMap::new(),
        labels: BTreeMap::new(),
    }
}

fn endpoint(called: &str, aliases: &[&str], addresses: &[&str]) -> Endpoint {
    Endpoint {
        id: EndpointId::from_random(0),
        mac: MacAddr([2, 0, 0, 0, 0, 1]),
        addresses: addresses.iter().map(|text| ip(text)).collect(),
        name: Some(name(called)),
        aliases: aliases.iter().map(|text| name(text)).collect(),
    }
}

/// `app` has web twice and a database; `data` is internal and has a web and a store.
fn zones() -> Zones {
    let mut app = Zone::new(&network(APP, "app", "10.7.0.0/24", false));
    app.add(&endpoint("web", &["www", "0123456789ab"], &["10.7.0.4"]));
    app.add(&endpoint("web", &[], &["10.7.0.3", "fd00::3"]));
    app.add(&endpoint("db", &["db.example.com"], &["10.7.0.9"]));
    let mut data = Zone::new(&network(DATA, "data", "10.8.0.0/24", true));
    data.add(&endpoint("web", &[], &["10.8.0.4"]));
    data.add(&endpoint("store", &[], &["10.8.0.5"]));
    Zones::build([app, data])
}

#[track_caller]
fn check(asker: &[NetworkId], kind: Kind, question: &str, expected: &Answer) {
    let asker = Asker { networks: asker.iter().copied().collect(), ..Asker::default() };
    let question = Question { name: question.to_owned(), kind };
    assert_eq!(&answer(&zones(), &asker, &question), expected, "{question:?} of {asker:?}");
}

fn addresses(all: &[&str]) -> Answer {
    Answer::Addresses(all.iter().map(|text| ip(text)).collect())
}

#[test]
fn a_label_is_looked_up_in_every_network_of_the_asker() {
    check(&[APP], Kind::A, "web", &addresses(&["10.7.0.3", "10.7.0.4"]));
    check(&[DATA], Kind::A, "web", &addresses(&["10.8.0.4"]));
    check(&[APP, DATA], Kind::A, "web", &addresses(&["10.7.0.3", "10.7.0.4", "10.8.0.4"]));
}

#[test]
fn a_qualified_name_is_looked_up_in_that_network_alone() {
    check(&[APP, DATA], Kind::A, "web.data", &addresses(&["10.8.0.4"]));
    check(&[APP], Kind::A, "web.data", &Answer::Forward);
    check(&[DATA], Kind::A, "web.app", &Answer::Refuse);
}

#[test]
fn case_and_the_trailing_dot_do_not_matter() {
    check(&[APP], Kind::A, "WWW.App.", &addresses(&["10.7.0.4"]));
    check(&[APP], Kind::A, "0123456789AB", &addresses(&["10.7.0.4"]));
}

#[test]
fn an_alias_may_have_dots() {
    check(&[APP], Kind::A, "db.example.com", &addresses(&["10.7.0.9"]));
    check(&[APP], Kind::A, "db.example.com.app.", &addresses(&["10.7.0.9"]));
}

#[test]
fn a_name_of_ours_without_such_a_record_is_empty_and_never_forwarded() {
    check(&[APP], Kind::Aaaa, "web", &addresses(&["fd00::3"]));
    check(&[APP], Kind::Aaaa, "db", &Answer::Empty);
    check(&[APP], Kind::Other, "db.app", &Answer::Empty);
    check(&[APP], Kind::Ptr, "db", &Answer::Empty);
}

#[test]
fn an_unknown_name_goes_outside_unless_every_network_is_internal() {
    check(&[APP], Kind::A, "example.org", &Answer::Forward);
    check(&[APP, DATA], Kind::A, "example.org", &Answer::Forward);
    check(&[DATA], Kind::A, "example.org", &Answer::Refuse);
    check(&[], Kind::A, "web", &Answer::Forward);
}

#[test]
fn a_network_that_is_not_known_yet_counts_as_internal() {
    check(&[NetworkId::from_random(9)], Kind::A, "example.org", &Answer::Refuse);
}

#[test]
fn a_top_level_domain_that_is_also_a_network_still_works() {
    check(&[APP], Kind::A, "example.app", &Answer::Forward);
}

#[test]
fn names_that_are_no_host_names_are_not_ours() {
    for odd in ["", ".", "a b", "-x", "a..b", "\u{1f600}"] {
        check(&[APP], Kind::A, odd, &Answer::Forward);
    }
}

#[test]
fn an_address_has_its_full_name_for_those_who_are_on_its_network() {
    check(&[APP], Kind::Ptr, "4.0.7.10.in-addr.arpa", &Answer::Pointer(name("web.app")));
    check(&[DATA], Kind::Ptr, "5.0.8.10.in-addr.arpa.", &Answer::Pointer(name("store.data")));
    let v6 = format!("3.{}d.f.ip6.arpa", "0.".repeat(29));
    check(&[APP], Kind::Ptr, &v6, &Answer::Pointer(name("web.app")));
}

#[test]
fn an_unused_address_of_the_askers_network_is_not_asked_for_outside() {
    check(&[APP], Kind::Ptr, "77.0.7.10.in-addr.arpa", &Answer::Nonexistent);
    check(&[APP], Kind::A, "77.0.7.10.in-addr.arpa", &Answer::Nonexistent);
    check(&[APP], Kind::A, "4.0.7.10.in-addr.arpa", &Answer::Empty);
}

#[test]
fn an_address_of_another_network_is_unknown_like_any_other() {
    check(&[APP], Kind::Ptr, "5.0.8.10.in-addr.arpa", &Answer::Forward);
    check(&[DATA], Kind::Ptr, "4.0.7.10.in-addr.arpa", &Answer::Refuse);
}

#[test]
fn what_has_ended_counts_for_those_who_are_on_its_network() {
    let mut data = Zone::new(&network(DATA, "data", "10.8.0.0/24", true));
    data.ended.insert(ip("10.8.0.7"));
    let zones = Zones::build([data]);
    let asker = |networks: &[NetworkId]| Asker {
        networks: networks.iter().copied().collect(),
        ..Asker::default()
    };
    assert_eq!(zones.ended(&asker(&[APP])), BTreeSet::new());
    assert_eq!(zones.ended(&asker(&[APP, DATA])), BTreeSet::from([ip("10.8.0.7")]));
}
