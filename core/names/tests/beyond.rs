//! Whom a container's foreign names are asked of.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::collections::{BTreeMap, BTreeSet};

use weft_model::NetworkId;
use weft_names::{Asker, Kind, Question, Setup, Zone, Zones, is_beyond, servers_beyond};

const NOTED: &str =
    "nameserver 127.0.0.11\noptions ndots:0\n\n# Based on host file: '/etc/resolv.conf'\n";

/// A container of ours that has `--dns`, and what Docker wrote at the end of its `resolv.conf`.
fn setup(dns: &[&str], comment: &str) -> Setup {
    Setup {
        ours_alone: true,
        linked: false,
        dns: dns.iter().map(ToString::to_string).collect(),
        resolv_conf: format!("{NOTED}{comment}"),
    }
}

#[track_caller]
fn check(setup: &Setup, expected: &[&str]) {
    let servers: Vec<String> = servers_beyond(setup).iter().map(ToString::to_string).collect();
    assert_eq!(servers, expected, "{setup:?}");
}

#[test]
fn servers_are_known_by_dns_or_by_what_new_engines_note() {
    let noted = "# ExtServers: [192.0.2.1 198.51.100.2]\n# Overrides: []\n";
    for (setup, expected) in [
        (setup(&[], ""), vec![]),
        (setup(&["192.0.2.9"], ""), vec!["192.0.2.9:53"]),
        (setup(&["192.0.2.9", "192.0.2.8"], ""), vec!["192.0.2.9:53", "192.0.2.8:53"]),
        (setup(&[], noted), vec!["192.0.2.1:53", "198.51.100.2:53"]),
        (setup(&["192.0.2.9"], noted), vec!["192.0.2.1:53", "198.51.100.2:53"]),
        (
            setup(&[], "# ExtServers: [10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4]"),
            vec!["10.0.0.1:53", "10.0.0.2:53", "10.0.0.3:53"],
        ),
        (setup(&[], "# NO EXTERNAL NAMESERVERS DEFINED"), vec![]),
        (setup(&["192.0.2.9"], "# ExtServers: []"), vec![]),
        (Setup { resolv_conf: String::new(), ..setup(&["192.0.2.9"], "") }, vec!["192.0.2.9:53"]),
    ] {
        check(&setup, &expected);
    }
}

#[test]
fn what_docker_reaches_in_another_way_is_left_to_it() {
    for entry in ["127.0.0.53", "127.1.2.3", "0.0.0.0", "224.0.0.1", "::1", "2001:db8::1", "dns"] {
        check(&setup(&[entry], ""), &[]);
        check(&setup(&["192.0.2.9", entry], ""), &[]);
        check(&setup(&[], &format!("# ExtServers: [{entry} 192.0.2.9]")), &[]);
    }
    check(&setup(&["192.0.2.9"], "# ExtServers: [host(192.0.2.9)]"), &[]);
}

#[test]
fn where_docker_knows_more_it_is_asked() {
    let alone = setup(&["192.0.2.9"], "");
    check(&alone, &["192.0.2.9:53"]);
    check(&Setup { ours_alone: false, ..alone.clone() }, &[]);
    check(&Setup { linked: true, ..alone }, &[]);
}

#[test]
fn only_names_that_no_container_can_have_go_past_docker() {
    let zone = |id, name: Option<&str>| Zone {
        network: NetworkId::from_random(id),
        name: name.map(|name| name.parse().unwrap()),
        internal: false,
        subnets: Vec::new(),
        records: BTreeMap::new(),
        pointers: BTreeMap::new(),
        ended: BTreeSet::new(),
    };
    let zones = Zones::build([zone(1, Some("app")), zone(2, None), zone(3, Some("other.net"))]);
    let networks = [1, 2].map(NetworkId::from_random).into();
    let asker = Asker { networks, beyond: vec!["192.0.2.9:53".parse().unwrap()] };
    for (name, expected) in [
        ("example.org.", true),
        ("example.org", true),
        ("a.other.net.", true),
        ("app.example.org.", true),
        ("8.2.0.192.in-addr.arpa.", true),
        ("web.", false),
        ("web", false),
        ("web.app.", false),
        ("a.b.APP.", false),
        (".", false),
        ("odd name.example.", false),
    ] {
        let question = Question { name: name.to_owned(), kind: Kind::A };
        assert_eq!(is_beyond(&zones, &asker, &question), expected, "{name}");
        let nobody = Asker { beyond: Vec::new(), ..asker.clone() };
        assert!(!is_beyond(&zones, &nobody, &question), "{name}");
    }
}
