//! Third hop: a frame leaves its host in VXLAN, to the host that owns its destination and no other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use weft_e2e::{Cluster, Kind, Plain, Table, eventually, frames_until, underlay};
use weft_kernel::capture::Capture;
use weft_lab::Host;
use weft_model::{MacAddr, Network, NodeId, Vtep};
use weft_path::Facts;
use weft_wire::{Content, Decoded, EtherType, Transport};

/// Within this time a change at one host is in the tables of all.
const SOON: Duration = Duration::from_secs(5);
/// The discard port: nobody is there.
const NOBODY: u16 = 9;
/// A MAC address that no endpoint has.
const NO_STATION: &str = "02:00:00:00:00:01";
/// What the last datagram says.
const LAST: &[u8] = b"the last one";

/// The forwarding entries of a network's VXLAN device.
struct Fdb;

impl Table for Fdb {
    type Entries = BTreeMap<MacAddr, Vtep>;

    fn count(entries: &Self::Entries) -> usize {
        entries.len()
    }

    fn told(facts: &Facts, node: NodeId, network: &Network) -> Self::Entries {
        weft_path::fdb(facts, node, network.id)
    }

    async fn held(
        cluster: &Cluster,
        host: &Host,
        network: &Network,
    ) -> anyhow::Result<Self::Entries> {
        cluster.fdb(host, network.vni.number()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fdb_is_what_the_path_says_entry_for_entry() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    let mut networks = cluster.two_networks().await.unwrap();
    networks.agree::<Fdb>(&[("h1", 2 + 1), ("h2", 1), ("h3", 1)]).await.unwrap();
    networks.move_one().await.unwrap();
    networks.agree::<Fdb>(&[("h1", 2 + 1), ("h2", 2), ("h3", 2 + 1)]).await.unwrap();
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_leaves_as_the_path_says_and_one_that_nobody_owns_stays() {
    let cluster = Cluster::up(3, Kind::Plain).await.unwrap();
    let network = cluster.network("app", &["--subnet", "10.99.0.0/24"]).await.unwrap();
    let c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let c3 = cluster.plain("h3", "app", "c3", &[]).await.unwrap();
    eventually(SOON, || c1.reaches(&c2)).await.unwrap();
    eventually(SOON, || c1.reaches(&c3)).await.unwrap();
    let mut outlet = cluster.outlet(c1.host, network.vni, "c1").await.unwrap();
    // What is for many is copied for each member's host where programs carry, and not at a bridge.
    let copies = if cluster.is_woven(c1.host).await.unwrap() { 2 * 2 } else { 0 };
    let mut wire = Capture::open(&underlay(c1.host).unwrap(), "eth0").unwrap();

    let (nobody, unknown) = (Ipv4Addr::new(10, 99, 0, 200), Ipv4Addr::new(10, 99, 0, 201));
    ip(&c1, &["neigh", "replace", "10.99.0.200", "lladdr", NO_STATION, "dev", "eth0"]);
    ip(&c1, &["route", "add", "239.0.0.0/8", "dev", "eth0"]);
    // A station that nobody is, all stations, a group of them, and who-has an unused address.
    send(&c1, nobody, b"to nobody");
    send(&c1, Ipv4Addr::new(10, 99, 0, 255), b"to all");
    send(&c1, Ipv4Addr::new(239, 1, 2, 3), b"to a group");
    send(&c1, unknown, b"to whom");
    send(&c1, c2.address, LAST);
    let is_last = |frame: &Decoded| is_from(frame, &c1) && carries(frame, LAST.len());
    let tried = frames_until(&mut outlet, Instant::now() + SOON, is_last).unwrap();
    let left = frames_until(&mut wire, Instant::now() + SOON, is_last).unwrap();
    let tried = tried.iter().filter(|frame| is_from(frame, &c1)).count();
    let left: Vec<&Decoded> =
        left.iter().filter(|frame| frame.vxlan().is_some() && is_from(frame, &c1)).collect();
    assert!(tried >= 5, "all of them reach the device, {tried} did");
    assert_eq!(left.len(), 1 + copies, "of those to one station that to c2 leaves: {left:#?}");
    let last = left[copies];

    cluster.path(c1.host, "c1", "c2").await.unwrap().matches(last).unwrap();
    let other = cluster.path(c1.host, "c1", "c3").await.unwrap();
    assert!(other.matches(last).is_err(), "the oracle tells c2's packets from c3's");
    cluster.down().await.unwrap();
}

fn ip(inside: &Plain<'_>, arguments: &[&str]) {
    let status = inside.netns.run(|| Command::new("ip").args(arguments).status());
    assert!(status.unwrap().unwrap().success(), "ip {arguments:?}");
}

fn send(from: &Plain<'_>, to: Ipv4Addr, text: &[u8]) {
    let sent = from.netns.run(|| {
        let socket = UdpSocket::bind(SocketAddrV4::new(from.address, 0))?;
        socket.set_broadcast(true)?;
        socket.send_to(text, (to, NOBODY))
    });
    sent.unwrap().unwrap();
}

/// From a workload, in VXLAN or not.
fn is_from(frame: &Decoded, workload: &Plain<'_>) -> bool {
    frame.innermost().ethernet.source == workload.mac
}

/// A datagram of this length.
fn carries(frame: &Decoded, length: usize) -> bool {
    let inner = frame.innermost();
    inner.ethernet.ethertype == EtherType::Ipv4
        && matches!(&inner.content, Content::Ip(_, Transport::Udp(_, found)) if *found == length)
}
