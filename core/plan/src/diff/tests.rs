use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use proptest::collection::{btree_map, btree_set};
use proptest::option;
use proptest::prelude::*;
use weft_model::{MacAddr, Mtu, Vni, Vtep};

use super::*;
use crate::*;

const VNIS: u32 = 3;

fn vni(number: u32) -> Vni {
    Vni::from_random(number)
}

fn mac() -> impl Strategy<Value = MacAddr> {
    (0..4_u8).prop_map(|last| MacAddr([2, 0, 0, 0, 0, last]))
}

fn address(net: u8) -> impl Strategy<Value = IpAddr> {
    (0..4_u8).prop_map(move |last| Ipv4Addr::new(10, net, 0, last).into())
}

fn vtep() -> impl Strategy<Value = Vtep> {
    address(99).prop_map(Vtep)
}

fn mtu() -> impl Strategy<Value = Mtu> {
    prop_oneof![Just(Mtu::ETHERNET), Just(Mtu::ETHERNET.inner(Ipv4Addr::LOCALHOST.into()))]
}

fn udp_port() -> impl Strategy<Value = u16> {
    prop_oneof![4 => Just(4789_u16), 1 => Just(4790)]
}

fn name(prefix: &'static str) -> impl Strategy<Value = IfName> {
    (0..3_u8).prop_map(move |last| format!("{prefix}{last}").parse().unwrap())
}

fn ports() -> impl Strategy<Value = BTreeMap<IfName, Port>> {
    let port = (name("wc"), mac(), btree_set(address(9), 0..3), any::<bool>());
    let port =
        port.prop_map(|(peer, mac, addresses, forwards)| Port { peer, mac, addresses, forwards });
    btree_map(name("wp"), port, 0..3)
}

fn segment(number: u32) -> impl Strategy<Value = Segment> {
    let tables = (btree_map(address(9), mac(), 0..4), btree_map(mac(), vtep(), 0..4));
    (mtu(), vtep(), udp_port(), ports(), tables).prop_map(
        move |(mtu, local, udp_port, ports, (neighbors, fdb))| Segment {
            vni: vni(number),
            mtu,
            local,
            udp_port,
            ports,
            neighbors,
            fdb,
        },
    )
}

fn guard() -> impl Strategy<Value = Guard> {
    (udp_port(), btree_set(address(99), 0..4))
        .prop_map(|(udp_port, peers)| Guard { udp_port, peers })
}

fn egress() -> impl Strategy<Value = Egress> {
    (1..3_u8, ports()).prop_map(|(net, ports)| Egress {
        bridge: IfName::egress(),
        address: format!("172.30.{net}.1/24").parse().unwrap(),
        ports,
    })
}

fn desired() -> impl Strategy<Value = Desired> {
    let segments = (0..VNIS).map(|number| option::of(segment(number))).collect::<Vec<_>>();
    let doors = btree_set(udp_port().prop_map(Door::Udp), 0..2);
    let local = option::of(address(99));
    let engine = prop_oneof![Just(Engine::Bridge), Just(Engine::Bpf)];
    (segments, guard(), (local, doors, engine), option::of(egress())).prop_map(
        |(segments, guard, (local, doors, engine), egress)| Desired {
            engine,
            segments: segments
                .into_iter()
                .flatten()
                .map(|segment| (segment.vni, segment))
                .collect(),
            guard,
            local,
            doors,
            egress,
        },
    )
}

fn flaws() -> impl Strategy<Value = BTreeSet<Flaw>> {
    let flaw = prop_oneof![
        Just(Flaw::Down),
        Just(Flaw::Detached),
        Just(Flaw::Learning),
        Just(Flaw::Kind),
        Just(Flaw::NoProxy),
        Just(Flaw::Ipv6),
        Just(Flaw::Unguarded),
        Just(Flaw::Unlisted),
        Just(Flaw::Audience),
    ];
    prop_oneof![3 => Just(BTreeSet::new()), 1 => btree_set(flaw, 1..3)]
}

fn link() -> impl Strategy<Value = LinkSeen> {
    let stations = prop_oneof![3 => Just(BTreeSet::new()), 1 => btree_set(mac(), 0..3)];
    (mtu(), flaws(), stations, btree_set(address(9), 0..2)).prop_map(
        |(mtu, flaws, stations, addresses)| LinkSeen {
            mtu: mtu.into(),
            flaws,
            stations,
            addresses: Some(addresses),
            forwards: false,
        },
    )
}

/// A kernel that was right for other wishes, and in which somebody has been since.
fn observed() -> impl Strategy<Value = Observed> {
    let passage = prop_oneof![
        Just(PassageSeen::NoChain),
        Just(PassageSeen::Shut),
        Just(PassageSeen::Altered),
        Just(PassageSeen::Open(IfName::egress())),
    ];
    let damage = (option::of(link()), option::of(name("wp")), any::<u8>());
    let damages = proptest::collection::vec((0..VNIS, damage), 0..4);
    (desired(), damages, passage).prop_map(|(former, damages, passage)| {
        let mut observed = Observed { passage, ..Observed::from(&former) };
        for (number, (link, port, kind)) in damages {
            hurt(&mut observed, number, link, port, kind);
        }
        observed
    })
}

fn hurt(
    observed: &mut Observed,
    number: u32,
    link: Option<LinkSeen>,
    port: Option<IfName>,
    kind: u8,
) {
    observed.firewall = match kind % 5 {
        0 => FirewallSeen::Missing,
        1 => FirewallSeen::Altered,
        _ => observed.firewall.clone(),
    };
    observed.gate = match kind % 11 {
        0 => GateSeen::Missing,
        1 => GateSeen::Impossible("it is old".to_owned()),
        2 => match observed.gate.clone() {
            GateSeen::Holds { gate, .. } => {
                GateSeen::Holds { gate, open: BTreeSet::from([IfName::egress()]) }
            }
            other => other,
        },
        _ => observed.gate.clone(),
    };
    if kind.is_multiple_of(13) {
        observed.shared = Some(SharedSeen { udp_port: 1, flaws: BTreeSet::from([Flaw::Down]) });
    }
    if let Some(woven) = observed.woven.get_mut(&vni(number)) {
        match kind % 3 {
            0 => woven.flaws.extend([Flaw::NotServed]),
            1 => woven.ports.extend(port.clone().zip(link.clone())),
            _ => woven.fdb.values_mut().for_each(|seen| *seen = FdbSeen::Foreign),
        }
    }
    let Some(segment) = observed.segments.get_mut(&vni(number)) else { return };
    match kind % 7 {
        0 => *segment = SegmentSeen { namespace: NamespaceSeen::Dead, ..SegmentSeen::default() },
        // Stations are behind ports; a bridge itself is never seen with any.
        1 => {
            segment.bridge =
                link.map(|link| LinkSeen { stations: BTreeSet::new(), addresses: None, ..link });
        }
        2 => {
            segment.vxlan = link.map(|link| VxlanSeen {
                link: LinkSeen { addresses: None, ..link },
                local: None,
                udp_port: 1,
            });
        }
        3 => segment.ports.extend(port.zip(link)),
        4 => segment.fdb.values_mut().for_each(|seen| *seen = FdbSeen::Foreign),
        5 => segment.neighbors.values_mut().for_each(|seen| *seen = NeighborSeen::Aging),
        _ => segment.vxlan.iter_mut().for_each(|vxlan| {
            vxlan.link.flaws.extend(link.iter().flat_map(|link| link.flaws.clone()));
        }),
    }
}

/// What is right on the host that was observed.
fn right(desired: &Desired, on: &Observed) -> Observed {
    let (passage, gate) = (on.passage.right_for(desired), on.gate.right_for(desired));
    Observed { passage, gate, ..Observed::from(desired) }
}

/// What lives in both: (segment, station) and (segment, address) and (segment, port).
fn alive(desired: &Desired, observed: &Observed) -> BTreeSet<String> {
    let mut alive = BTreeSet::new();
    for (vni, segment) in &desired.segments {
        let bridged = observed.segments.get(vni).cloned().unwrap_or_default();
        let woven = observed.woven.get(vni).cloned().unwrap_or_default();
        let (homes, addresses) = match desired.engine {
            Engine::Bridge => (&bridged.fdb, &bridged.neighbors),
            Engine::Bpf => (&woven.fdb, &woven.neighbors),
        };
        let fdb =
            segment.fdb.iter().filter(|(mac, vtep)| homes.get(mac) == Some(&FdbSeen::At(**vtep)));
        alive.extend(fdb.map(|(mac, vtep)| format!("{vni} {mac} {vtep}")));
        let neighbors = segment.neighbors.iter().filter(|(address, mac)| {
            addresses.get(address) == Some(&NeighborSeen::Permanent(**mac))
        });
        alive.extend(neighbors.map(|(address, mac)| format!("{vni} {address} {mac}")));
        // Wherever it is, its workload keeps its end.
        let ports = woven.ports.iter().chain(&bridged.ports).filter(|(name, link)| {
            segment.ports.contains_key(*name) && !link.flaws.contains(&Flaw::Kind)
        });
        alive.extend(ports.map(|(name, _)| format!("{vni} {name}")));
    }
    if let FirewallSeen::Holds(Firewall { guard, .. }) = &observed.firewall {
        let peers = guard.peers.intersection(&desired.guard.peers);
        let same = guard.udp_port == desired.guard.udp_port;
        alive.extend(peers.filter(|_| same).map(|peer| format!("peer {peer}")));
    }
    if let GateSeen::Holds { gate: Gate { guard, .. }, .. } = &observed.gate {
        let peers = guard.peers.intersection(&desired.guard.peers);
        let same = guard.udp_port == desired.guard.udp_port;
        alive.extend(peers.filter(|_| same).map(|peer| format!("peer {peer} at the gate")));
    }
    alive
}

/// Segments whose tunnel is to be made anew have no living paths to keep.
fn without_replaced(plan: &Plan, mut alive: BTreeSet<String>) -> BTreeSet<String> {
    for change in &plan.changes {
        if let Change::ReplaceVxlan { tunnel: Tunnel { vni, .. }, .. }
        | Change::AddVxlan(Tunnel { vni, .. }) = change
        {
            alive.retain(|path| !path.starts_with(&vni.to_string()));
        }
    }
    alive
}

proptest! {
    #[test]
    fn what_is_as_desired_needs_no_change(desired in desired(), on in observed()) {
        prop_assert_eq!(diff(&desired, &right(&desired, &on)), Plan::default());
    }

    #[test]
    fn a_whole_plan_reaches_what_is_desired(desired in desired(), observed in observed()) {
        let plan = diff(&desired, &observed);
        let right = right(&desired, &observed);
        let after = plan.changes.iter().fold(observed, |state, change| simulate(&state, change));
        prop_assert_eq!(after, right);
    }

    #[test]
    fn every_prefix_keeps_alive_what_is_both_there_and_desired(
        desired in desired(), observed in observed(),
    ) {
        let plan = diff(&desired, &observed);
        let before = without_replaced(&plan, alive(&desired, &observed));
        let mut state = observed;
        for change in &plan.changes {
            state = simulate(&state, change);
            let now = alive(&desired, &state);
            prop_assert!(before.is_subset(&now), "{change} ends {:?}", before.difference(&now));
        }
    }

    #[test]
    fn a_plan_that_is_broken_off_is_completed_by_the_next(
        desired in desired(), observed in observed(), at in 0..40_usize,
    ) {
        let right = right(&desired, &observed);
        let plan = diff(&desired, &observed);
        let some = plan.changes.iter().take(at);
        let half = some.fold(observed, |state, change| simulate(&state, change));
        let rest = diff(&desired, &half);
        let after = rest.changes.iter().fold(half, |state, change| simulate(&state, change));
        prop_assert_eq!(after, right);
    }

    #[test]
    fn the_guard_lets_in_every_peer_as_long_as_one_wish_or_the_other_names_it(
        former in desired(), desired in desired(),
    ) {
        prop_assume!(former.guard.udp_port == desired.guard.udp_port);
        let mut state = Observed::from(&former);
        let plan = diff(&desired, &state);
        let shuts = |change: &&Change| matches!(change, Change::SetFirewall(_) | Change::SetGate(_));
        let last = plan.changes.iter().rev().take_while(shuts).count();
        for change in plan.changes.iter().take(plan.changes.len() - last) {
            state = simulate(&state, change);
            let FirewallSeen::Holds(Firewall { guard, .. }) = &state.firewall else { panic!() };
            prop_assert!(former.guard.peers.is_subset(&guard.peers), "{change} shuts too early");
            prop_assert!(desired.guard.peers.is_subset(&guard.peers), "{change} opens too late");
        }
    }

    #[test]
    fn a_teardown_leaves_nothing(observed in observed()) {
        let plan = teardown(&observed);
        let passage = right(&Desired::default(), &observed).passage;
        let impossible = matches!(observed.gate, GateSeen::Impossible(_));
        let gate = if impossible { observed.gate.clone() } else { GateSeen::Missing };
        let after = plan.changes.iter().fold(observed, |state, change| simulate(&state, change));
        prop_assert_eq!(after, Observed { passage, gate, ..Observed::default() });
    }
}

#[test]
fn a_plan_reads_like_a_list_of_what_differs() {
    let mut desired = Desired::default();
    let fdb = [(MacAddr([2, 0, 0, 0, 0, 9]), Vtep(Ipv4Addr::new(192, 0, 2, 2).into()))].into();
    let segment = Segment {
        vni: vni(904),
        mtu: Mtu::ETHERNET,
        local: Vtep(Ipv4Addr::new(192, 0, 2, 1).into()),
        udp_port: 4789,
        ports: BTreeMap::new(),
        neighbors: BTreeMap::new(),
        fdb,
    };
    desired.segments.insert(segment.vni, segment);
    let mut observed = Observed::from(&desired);
    observed.firewall = FirewallSeen::Missing;
    let seen = observed.segments.get_mut(&vni(904)).unwrap();
    seen.vxlan.as_mut().unwrap().udp_port = 8472;
    seen.bridge.as_mut().unwrap().mtu = 9000;
    let plan = diff(&desired, &observed);
    let expected = "write nft table inet weft: port 0, 0 peers\n\
                    segment 5000: mend the bridge: its MTU is 9000\n\
                    segment 5000: make vx0 anew: its UDP port is 8472\n\
                    segment 5000: 02:00:00:00:00:09 is at host 192.0.2.2\n";
    assert_eq!(plan.to_string(), expected);
}

#[test]
fn the_way_through_dockers_filter_is_open_while_it_filters_and_somebody_is_to_leave() {
    let without = Desired::default();
    let egress = Egress {
        bridge: IfName::egress(),
        address: "172.30.0.1/16".parse().unwrap(),
        ports: BTreeMap::new(),
    };
    let with = Desired { egress: Some(egress), ..Desired::default() };
    let open = PassageSeen::Open(IfName::egress());
    for (desired, seen, expected) in [
        (&with, PassageSeen::NoChain, ""),
        (&with, PassageSeen::Shut, "egress: let weft-egress through Docker's chain DOCKER-USER\n"),
        (
            &with,
            PassageSeen::Altered,
            "egress: let weft-egress through Docker's chain DOCKER-USER\n",
        ),
        (&with, open.clone(), ""),
        (&without, PassageSeen::NoChain, ""),
        (&without, PassageSeen::Shut, ""),
        (&without, open, "egress: take Weft's rules from Docker's chain DOCKER-USER\n"),
    ] {
        let observed = Observed { passage: seen, ..Observed::from(desired) };
        assert_eq!(diff(desired, &observed).to_string(), expected, "{:?}", observed.passage);
    }
}
