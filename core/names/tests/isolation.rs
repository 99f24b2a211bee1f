//! DESIGN §5 item 8: a name never resolves to a container on a network the asker is not on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use proptest::prelude::*;
use weft_model::{Name, NetworkId};
use weft_names::{Answer, Asker, Kind, Question, Zone, Zones, answer};

const NETWORKS: u8 = 4;
const LABELS: [&str; 4] = ["web", "db", "net1", "web.net2"];

/// Network `n` has addresses 10.n.0.0/16 and is called `net<n>` unless it has no name yet.
fn zone(n: u8) -> impl Strategy<Value = Zone> {
    let row = (0..LABELS.len(), any::<u8>());
    (any::<bool>(), any::<bool>(), prop::collection::vec(row, 0..6)).prop_map(
        move |(named, internal, rows)| {
            let mut zone = Zone {
                network: id(n),
                name: named.then(|| format!("net{n}").parse().unwrap()),
                internal,
                subnets: vec![IpNet::new(Ipv4Addr::new(10, n, 0, 0).into(), 16).unwrap()],
                records: BTreeMap::new(),
                pointers: BTreeMap::new(),
                ended: BTreeSet::new(),
            };
            for (label, host) in rows {
                let name: Name = LABELS[label].parse().unwrap();
                let address = IpAddr::from([10, n, 0, host]);
                zone.records.entry(name.clone()).or_default().insert(address);
                zone.pointers.insert(address, name);
            }
            zone
        },
    )
}

fn id(n: u8) -> NetworkId {
    NetworkId::from_random(n.into())
}

fn zones() -> impl Strategy<Value = Vec<Zone>> {
    (0..NETWORKS).map(zone).collect::<Vec<_>>()
}

fn asker() -> impl Strategy<Value = Asker> {
    prop::collection::btree_set((0..NETWORKS).prop_map(id), 0..4)
        .prop_map(|networks| Asker { networks, ..Asker::default() })
}

fn question() -> impl Strategy<Value = Question> {
    let zone = prop_oneof![Just(String::new()), (0..NETWORKS).prop_map(|n| format!(".net{n}"))];
    let named =
        (prop::sample::select(&LABELS[..]), zone).prop_map(|(l, zone)| format!("{l}{zone}"));
    let reverse =
        (any::<u8>(), 0..NETWORKS).prop_map(|(h, n)| format!("{h}.0.{n}.10.in-addr.arpa"));
    let name = prop_oneof![3 => named, 2 => reverse, 1 => any::<String>()];
    let kind = prop::sample::select(&[Kind::A, Kind::Aaaa, Kind::Ptr, Kind::Other][..]);
    (name, kind, any::<bool>()).prop_map(|(name, kind, dot)| Question {
        name: if dot { format!("{}.", name.to_uppercase()) } else { name },
        kind,
    })
}

fn network_of(address: IpAddr) -> NetworkId {
    match address {
        IpAddr::V4(v4) => id(v4.octets()[1]),
        IpAddr::V6(_) => panic!("no IPv6 here"),
    }
}

proptest! {
    #[test]
    fn an_answer_never_comes_from_a_network_the_asker_is_not_on(
        zones in zones(), asker in asker(), question in question(),
    ) {
        match answer(&Zones::build(zones), &asker, &question) {
            Answer::Addresses(all) => {
                prop_assert!(!all.is_empty());
                for address in all {
                    prop_assert!(asker.networks.contains(&network_of(address)));
                }
            }
            Answer::Pointer(_) => {
                let address = weft_names::parse_reverse(&question.name).unwrap();
                prop_assert!(asker.networks.contains(&network_of(address)));
            }
            Answer::Empty | Answer::Nonexistent | Answer::Forward | Answer::Refuse => {}
        }
    }

    /// Stronger than the above: what happens on other networks cannot even be noticed.
    #[test]
    fn other_networks_make_no_difference_to_an_answer(
        zones in zones(), others in zones(), asker in asker(), question in question(),
    ) {
        let mixed = zones.iter().zip(&others).map(|(mine, other)| {
            if asker.networks.contains(&mine.network) { mine.clone() } else { other.clone() }
        });
        let mixed: Zones = mixed.collect();
        prop_assert_eq!(
            answer(&Zones::build(zones.clone()), &asker, &question),
            answer(&mixed, &asker, &question)
        );
    }

    #[test]
    fn nothing_leaves_for_outside_if_every_network_is_internal(
        mut zones in zones(), asker in asker(), question in question(),
    ) {
        zones.iter_mut().for_each(|zone| zone.internal = true);
        let answered = answer(&Zones::build(zones), &asker, &question);
        prop_assert!(asker.networks.is_empty() || answered != Answer::Forward);
    }

    #[test]
    fn every_address_of_a_name_is_answered(zones in zones(), label in 0..LABELS.len()) {
        let name: Name = LABELS[label].parse().unwrap();
        let asker = Asker { networks: (0..NETWORKS).map(id).collect(), ..Asker::default() };
        let question = Question { name: LABELS[label].to_owned(), kind: Kind::A };
        let all: BTreeSet<IpAddr> =
            zones.iter().filter_map(|zone| zone.records.get(&name)).flatten().copied().collect();
        match answer(&Zones::build(zones), &asker, &question) {
            Answer::Addresses(got) => prop_assert!(all.iter().all(|address| got.contains(address))),
            _ => prop_assert!(all.is_empty()),
        }
    }
}
