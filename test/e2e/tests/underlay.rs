//! Fourth hop: the hosts' own network carries the packet, and what fits is known before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd as _;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, sendto, socket,
};
use serde_json::Value;
use weft_e2e::{Cluster, Kind, Plain, eventually, frames_until, holds, segment, underlay};
use weft_kernel::Netns;
use weft_kernel::capture::Capture;
use weft_lab::Host;
use weft_path::Reason;
use weft_wire::{
    Checksum, Content, Decoded, Fragment, Icmp, IcmpKind, Ip, Ipv4, Protocol, Transport,
};

/// Longer than a packet takes from host to host.
const PATIENCE: Duration = Duration::from_secs(2);
/// Within this time a host that is cut off is known to be.
const NOTICED: Duration = Duration::from_secs(8);
/// Headers of IP and ICMP.
const HEADERS: u16 = 20 + 8;
/// Outer IP, UDP, VXLAN, and the inner Ethernet header.
const OVERHEAD: u16 = 50;
const ID: u16 = 0x7766;

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_the_underlay_passes_whole_and_one_byte_more_is_refused_by_the_sender() {
    let cluster = Cluster::up(2, Kind::Docker).await.unwrap();
    let app = cluster.network("app", &[]).await.unwrap().vni;
    let small = cluster.network("small", &["--mtu", "1300"]).await.unwrap().vni;
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let s1 = cluster.container("h1", "small", "s1").await.unwrap();
    let s2 = cluster.plain("h2", "small", "s2", &[]).await.unwrap();
    let wire = underlay(c1.host).unwrap();
    assert_eq!(mtu(&wire, "eth0"), 1500);

    for (vni, from, to, expected) in [(app, &c1, &c2, 1450), (small, &s1, &s2, 1300)] {
        let inside = from.netns().await.unwrap();
        assert_eq!([mtu(&inside, "eth0"), mtu(&to.netns, "eth0")], [expected; 2]);
        for host in [from.host, to.host] {
            for (within, interface) in carriers(&cluster, host, vni).await {
                assert_eq!(mtu(&within, &interface), expected, "{interface}");
            }
        }
        let network = if vni == app { "app" } else { "small" };
        let address = from.address(network).await.unwrap().parse().unwrap();
        passes_whole(&inside, &wire, (address, to.address), expected);
        assert_eq!(echo(&inside, (address, to.address), expected + 1), Err(Errno::EMSGSIZE));
    }
    cluster.down().await.unwrap();
}

/// The interfaces of a network on a host, and the namespace that they are in.
async fn carriers(cluster: &Cluster, host: &Host, vni: u32) -> Vec<(Netns, String)> {
    let within = match cluster.is_woven(host).await.unwrap() {
        true => underlay(host).unwrap(),
        false => segment(host, vni).unwrap(),
    };
    let mut names = cluster.tables(host, vni).await.unwrap().ports;
    if !cluster.is_woven(host).await.unwrap() {
        names.extend(["vx0", "br0"].map(str::to_owned));
    }
    names.into_iter().map(|name| (within.clone(), name)).collect()
}

/// A packet of `length` bytes that must not be cut is one packet on the underlay, and answered.
fn passes_whole(inside: &Netns, wire: &Netns, ends: (Ipv4Addr, Ipv4Addr), length: u16) {
    let mut inside_capture = Capture::open(inside, "eth0").unwrap();
    let mut wire = Capture::open(wire, "eth0").unwrap();
    echo(inside, ends, length).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let answer = |frame: &Decoded| is_answer(frame, ends.1, length);
    frames_until(&mut inside_capture, deadline, answer).unwrap();
    let outer = usize::from(length + OVERHEAD);
    let raw = std::iter::from_fn(|| wire.next(deadline))
        .find(|frame| Decoded::parse(frame).is_ok_and(|frame| is_answer(&frame, ends.1, length)));
    assert_eq!(raw.map(|frame| frame.len() - 14), Some(outer), "bytes of the outer packet");
}

/// Sends an echo request in a packet of `length` bytes that no router may cut.
fn echo(inside: &Netns, (from, to): (Ipv4Addr, Ipv4Addr), length: u16) -> nix::Result<usize> {
    let ip = Ipv4 {
        traffic_class: 0,
        identification: 1,
        fragment: Fragment::DO_NOT_CUT,
        ttl: 64,
        protocol: Protocol::Icmp,
        source: from,
        destination: to,
        options: Vec::new(),
    };
    let kind = IcmpKind::EchoRequest { id: ID, sequence: length };
    let icmp = Icmp { kind, checksum: Checksum::Right };
    let packet = ip.emit(&icmp.emit(&vec![0x77; usize::from(length - HEADERS)]));
    let send = || {
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Inet, SockType::Raw, flags, SockProtocol::Raw)?;
        let to = SockaddrIn::from(SocketAddrV4::new(to, 0));
        sendto(socket.as_raw_fd(), &packet, &to, MsgFlags::empty())
    };
    inside.run(send).unwrap()
}

fn is_answer(frame: &Decoded, from: Ipv4Addr, length: u16) -> bool {
    let wanted = IcmpKind::EchoReply { id: ID, sequence: length };
    let Content::Ip(Ip::V4(ip), Transport::Icmp(icmp, data)) = &frame.innermost().content else {
        return false;
    };
    ip.source == from && icmp.kind == wanted && *data == usize::from(length - HEADERS)
}

fn mtu(netns: &Netns, interface: &str) -> u16 {
    let show = ["-j", "link", "show", "dev", interface];
    let said = netns.run(|| Command::new("ip").args(show).output()).unwrap().unwrap();
    let links: Value = serde_json::from_slice(&said.stdout).unwrap();
    u16::try_from(links[0]["mtu"].as_u64().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_stop_while_the_underlay_is_cut_and_flow_when_it_heals() {
    let cluster = Cluster::up(2, Kind::Plain).await.unwrap();
    // An underlay that carries less, which is measured rather than assumed.
    for host in cluster.lab.hosts() {
        host.stop_agent().await.unwrap();
        host.run(&["ip", "link", "set", "dev", "eth0", "mtu", "1400"]).await.unwrap();
        host.start_agent().await.unwrap();
    }
    let vni = cluster.network("app", &[]).await.unwrap().vni;
    let c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    eventually(NOTICED, || c1.reaches(&c2)).await.unwrap();
    assert_eq!(mtu(&c1.netns, "eth0"), 1350);
    for (within, interface) in carriers(&cluster, c1.host, vni).await {
        assert_eq!(mtu(&within, &interface), 1350, "{interface}");
    }
    passes_whole(&c1.netns, &underlay(c1.host).unwrap(), (c1.address, c2.address), 1350);

    c2.host.cut().await.unwrap();
    assert_eq!(c1.ping(c2.address, 2).await.unwrap().received, 0);
    eventually(NOTICED, || is_unreachable(&cluster, &c1, &c2)).await.unwrap();
    let held = cluster.neighbors(c1.host, vni).await.unwrap();
    assert!(held.contains_key(&IpAddr::V4(c2.address)), "a cut forgets nothing: {held:?}");

    c2.host.heal().await.unwrap();
    eventually(PATIENCE, || c1.reaches(&c2)).await.unwrap();
    cluster.down().await.unwrap();
}

/// The path says where such a packet ends.
async fn is_unreachable(cluster: &Cluster, from: &Plain<'_>, to: &Plain<'_>) -> anyhow::Result<()> {
    let journey = cluster.path(from.host, &from.name, &to.address.to_string()).await?;
    let reason = journey.dropped.as_ref().map(|dropped| dropped.reason);
    holds(reason == Some(Reason::HostUnreachable), || journey.to_string())
}
