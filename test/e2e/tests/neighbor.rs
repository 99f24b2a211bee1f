//! Second hop: the sender's own host says which MAC address an overlay address has.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use weft_e2e::{Cluster, Kind, Ping, Table, frames_until, holds, segment, underlay};
use weft_kernel::capture::Capture;
use weft_lab::Host;
use weft_model::{MacAddr, Network, NodeId};
use weft_path::Facts;
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

    let mut at_home = Capture::open(&c1.netns().await.unwrap(), "eth0").unwrap();
    let mut away = [
        Capture::open(&underlay(c1.host).unwrap(), "eth0").unwrap(),
        Capture::open(&underlay(c2.host).unwrap(), "eth0").unwrap(),
        Capture::open(&c2.netns().await.unwrap(), "eth0").unwrap(),
    ];
    let woven = cluster.is_woven(c2.host).await.unwrap();
    let open = || Capture::open(&segment(c2.host, vni).unwrap(), "br0").unwrap();
    let mut bridge = (!woven).then(open);
    let three = Ping { sent: 3, received: 3 };
    assert_eq!(c1.ping(&wanted.to_string(), 3).await.unwrap(), three);

    let last = |frame: &Decoded| is_last_request(frame, asks);
    let seen = frames_until(&mut at_home, Instant::now() + SOON, last).unwrap();
    let asked =
        arps(&seen).any(|arp| arp.operation == Operation::Request && arp.target_ip == wanted);
    let answered =
        arps(&seen).any(|arp| arp.operation == Operation::Reply && arp.sender_ip == wanted);
    assert!(asked && answered, "c1's question and its host's answer: {seen:?}");
    for capture in &mut away {
        let seen = frames_until(capture, Instant::now() + SOON, last).unwrap();
        let left = arps(&seen).find(|arp| is_between(arp, asks, wanted));
        assert_eq!(left, None, "a question of c1's left its host");
    }
    // The interface of a bridge sees of what crosses it only that which floods.
    while let Some(frame) = bridge.as_mut().and_then(|bridge| bridge.next(Instant::now())) {
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

/// The neighbour entries of a network's VXLAN device.
struct Neighbors;

impl Table for Neighbors {
    type Entries = BTreeMap<IpAddr, MacAddr>;

    fn count(entries: &Self::Entries) -> usize {
        entries.len()
    }

    fn told(facts: &Facts, node: NodeId, network: &Network) -> Self::Entries {
        weft_path::neighbors(facts, node, network.id)
    }

    async fn held(
        cluster: &Cluster,
        host: &Host,
        network: &Network,
    ) -> anyhow::Result<Self::Entries> {
        cluster.neighbors(host, network.vni.number()).await
    }

    fn absent(host: &Host, network: &Network) -> anyhow::Result<()> {
        holds(segment(host, network.vni.number()).is_err(), || "a segment too many".into())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_neighbour_table_is_what_the_path_says_entry_for_entry() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    let mut networks = cluster.two_networks().await.unwrap();
    networks.agree::<Neighbors>(&[("h1", 2 + 1), ("h2", 1), ("h3", 1)]).await.unwrap();

    // The table of h1 without the one that goes; h3 joins network `a` and has all of it.
    networks.move_one().await.unwrap();
    networks.agree::<Neighbors>(&[("h1", 2 + 1), ("h2", 2), ("h3", 2 + 1)]).await.unwrap();
    let (first, moved) = (&networks.there[0], networks.there.last().unwrap());
    assert_eq!(moved.ping(first.address, 2).await.unwrap().received, 2);
    cluster.down().await.unwrap();
}
