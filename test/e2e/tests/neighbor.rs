//! Second hop: the sender's own host says which MAC address an overlay address has.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use weft_e2e::{Cluster, Kind, Ping, Plain, eventually, frames_until, holds, segment, underlay};
use weft_kernel::capture::Capture;
use weft_lab::Host;
use weft_wire::{Arp, Content, Decoded, Icmp, IcmpKind, Ip, Operation, Transport};

/// Within this time a change at one host is in the tables of all.
const SOON: Duration = Duration::from_secs(5);
/// The number of ping's last request.
const LAST: u16 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn arp_between_containers_of_two_hosts_never_leaves_the_asking_host() {
    let cluster = Cluster::up(2, Kind::Docker).await.unwrap();
    let vni = cluster.network("app", &[]).await.unwrap().vni;
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    let c2 = cluster.container("h2", "app", "c2").await.unwrap();
    let asks: Ipv4Addr = c1.address("app").await.unwrap().parse().unwrap();
    let wanted: Ipv4Addr = c2.address("app").await.unwrap().parse().unwrap();

    let mut at_home = Capture::open(&segment(c1.host, vni).unwrap(), "vx0").unwrap();
    let mut away = [
        Capture::open(&underlay(c1.host).unwrap(), "eth0").unwrap(),
        Capture::open(&underlay(c2.host).unwrap(), "eth0").unwrap(),
        Capture::open(&segment(c2.host, vni).unwrap(), "vx0").unwrap(),
        Capture::open(&segment(c2.host, vni).unwrap(), "br0").unwrap(),
    ];
    let three = Ping { sent: 3, received: 3 };
    assert_eq!(c1.ping(&wanted.to_string(), 3).await.unwrap(), three);

    let last = |frame: &Decoded| is_last_request(frame, asks);
    let seen = frames_until(&mut at_home, Instant::now() + SOON, last).unwrap();
    let asked =
        arps(&seen).any(|arp| arp.operation == Operation::Request && arp.target_ip == wanted);
    let answered =
        arps(&seen).any(|arp| arp.operation == Operation::Reply && arp.sender_ip == wanted);
    assert!(asked && answered, "c1's question and its host's answer: {seen:?}");
    for capture in &mut away[..3] {
        let seen = frames_until(capture, Instant::now() + SOON, last).unwrap();
        let left = arps(&seen).find(|arp| is_between(arp, asks, wanted));
        assert_eq!(left, None, "a question of c1's left its host");
    }
    // The interface of a bridge sees of what crosses it only that which floods.
    while let Some(frame) = away[3].next(Instant::now()) {
        let frame = Decoded::parse(&frame).unwrap();
        assert!(!arps(&[frame]).any(|arp| is_between(arp, asks, wanted)));
    }
    cluster.down().await.unwrap();
}

/// ARP packets, those in VXLAN too.
fn arps(frames: &[Decoded]) -> impl Iterator<Item = &Arp> {
    frames.iter().filter_map(|frame| match &frame.innermost().content {
        Content::Arp(arp) => Some(arp),
        _ => None,
    })
}

/// A question of `asks`'s, or an answer to one from the asked itself.
fn is_between(arp: &Arp, asks: Ipv4Addr, wanted: Ipv4Addr) -> bool {
    match arp.operation {
        Operation::Request => arp.sender_ip == asks,
        _ => arp.sender_ip == wanted && arp.target_ip == asks,
    }
}

fn is_last_request(frame: &Decoded, from: Ipv4Addr) -> bool {
    let Content::Ip(Ip::V4(ip), Transport::Icmp(Icmp { kind, .. }, _)) = &frame.innermost().content
    else {
        return false;
    };
    ip.source == from && matches!(kind, IcmpKind::EchoRequest { sequence: LAST, .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_neighbour_table_is_what_the_path_says_entry_for_entry() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    for network in ["a", "b"] {
        cluster.network(network, &[]).await.unwrap();
    }
    let mut there = Vec::new();
    for (host, network, name) in [
        ("h1", "a", "a1"),
        ("h1", "b", "b1"),
        ("h2", "a", "a2"),
        ("h2", "a", "a2b"),
        ("h3", "b", "b3"),
    ] {
        there.push(cluster.plain(host, network, name, &[]).await.unwrap());
    }
    agrees(&cluster, 5, &[("h1", 2 + 1), ("h2", 1), ("h3", 1)]).await;

    // The table of h1 without the one that goes; h3 joins network `a` and has all of it.
    let gone: Plain<'_> = there.swap_remove(2);
    gone.remove().await.unwrap();
    there.push(cluster.plain("h3", "a", "a3", &[]).await.unwrap());
    agrees(&cluster, 5, &[("h1", 2 + 1), ("h2", 2), ("h3", 2 + 1)]).await;
    let a3 = there.last().unwrap();
    assert_eq!(a3.ping(there[0].address, 2).await.unwrap().received, 2);
    cluster.down().await.unwrap();
}

/// Waits until all hosts know `endpoints`, then holds kernel against oracle on each of them.
async fn agrees(cluster: &Cluster, endpoints: usize, entries: &[(&str, usize)]) {
    for &(name, expected) in entries {
        let host = cluster.host(name).unwrap();
        let count = eventually(SOON, || compared(cluster, host, endpoints)).await.unwrap();
        assert_eq!(count, expected, "entries of {name}");
    }
}

/// How many entries there are, if all are as the oracle says.
async fn compared(cluster: &Cluster, host: &Host, endpoints: usize) -> anyhow::Result<usize> {
    let facts = cluster.facts(cluster.host("h1")?).await?;
    let me = cluster.member(host).await?.id;
    holds(facts.endpoints.len() == endpoints, || format!("{} endpoints", facts.endpoints.len()))?;
    let mut count = 0;
    for network in facts.networks.values() {
        let told = weft_path::neighbors(&facts, me, network.id);
        if !facts.serves(me, network.id) {
            holds(segment(host, network.vni.number()).is_err(), || "a segment too many".into())?;
            continue;
        }
        let held = cluster.neighbors(host, network.vni.number()).await?;
        holds(held == told, || format!("{} holds {held:?}, the path says {told:?}", host.name()))?;
        count += told.len();
    }
    Ok(count)
}
