//! Second hop: what a container sends in another's name reaches nobody, is counted, and its own
//! packets go on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use weft_api::AttachmentView;
use weft_e2e::{Cluster, Kind, Pinging, Station, Wire, eventually, holds};
use weft_kernel::Netns;
use weft_kernel::capture::Capture;
use weft_lab::Host;
use weft_model::MacAddr;
use weft_wire::{
    Arp, Checksum, Ends, EtherType, Ethernet, Fragment, Icmpv6, Icmpv6Kind, Ipv4, Ipv6, Ndisc,
    Operation, Protocol, Udp,
};

/// Within this time a change at one host is in the kernels of all.
const SOON: Duration = Duration::from_secs(5);
const EVERYBODY: MacAddr = MacAddr([0xff; 6]);
/// The Ethernet address of all nodes (RFC 2464 §7).
const ALL_NODES_MAC: MacAddr = MacAddr([0x33, 0x33, 0, 0, 0, 1]);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const NO_MAC: MacAddr = MacAddr([0; 6]);

/// A frame, what it pretends, and why it is dropped.
type Spoof = (&'static str, Vec<u8>, &'static str);

#[tokio::test(flavor = "multi_thread")]
async fn what_a_container_sends_in_anothers_name_reaches_no_third() {
    let cluster = Cluster::up(2, Kind::Plain).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let evil = cluster.plain("h1", "app", "evil", &[]).await.unwrap();
    let near = cluster.plain("h1", "app", "near", &[]).await.unwrap();
    let far = cluster.plain("h2", "app", "far", &[]).await.unwrap();
    for to in [&near, &far] {
        eventually(SOON, || evil.reaches(to)).await.unwrap();
    }
    let own = Pinging::start(&evil.netns, far.address).unwrap();
    let wire = Wire::open(&evil.netns, "eth0").unwrap();
    for (victim, third) in [(&near, &far), (&far, &near)] {
        let spoofs = ipv4(evil.station(), victim.station(), third.station());
        let last = evil.station().letter(third.station(), "evil's own");
        reaches_nobody(&cluster, (evil.host, &wire), &third.netns, (&spoofs, &last)).await;
    }
    let answers = own.finish().unwrap();
    assert!(answers.lost.is_empty(), "evil's own packets were lost: {answers:?}");
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_in_ipv6() {
    let cluster = Cluster::up(2, Kind::Plain).await.unwrap();
    cluster.network("six", &["--subnet", "fd00:77::/64"]).await.unwrap();
    let evil = Six::attach(&cluster, "h1", "evil").await;
    let near = Six::attach(&cluster, "h1", "near").await;
    let far = Six::attach(&cluster, "h2", "far").await;
    for to in [&near, &far] {
        eventually(SOON, || evil.reaches(to)).await.unwrap();
    }
    let wire = Wire::open(&evil.netns, "eth0").unwrap();
    for (victim, third) in [(&near, &far), (&far, &near)] {
        let spoofs = ipv6(&evil, victim, third);
        let last = evil.datagram(third.mac, (evil.address, third.address), (9, 9));
        reaches_nobody(&cluster, (evil.host, &wire), &third.netns, (&spoofs, &last)).await;
        eventually(SOON, || evil.reaches(third)).await.unwrap();
    }
    cluster.down().await.unwrap();
}

/// Sends all of them and `last`, which is the only one that arrives.
async fn reaches_nobody(
    cluster: &Cluster,
    (host, wire): (&Host, &Wire),
    third: &Netns,
    (spoofs, last): (&[Spoof], &[u8]),
) {
    for (told, frame, reason) in spoofs {
        let mut capture = Capture::open(third, "eth0").unwrap();
        let before = cluster.dropped(host).await.unwrap()[*reason];
        wire.send(frame).unwrap();
        wire.send(last).unwrap();
        let deadline = Instant::now() + SOON;
        let mut arrived = std::iter::from_fn(|| capture.next(deadline));
        let until_last = arrived.by_ref().take_while(|seen| seen != last);
        assert!(!until_last.into_iter().any(|seen| seen == *frame), "{told} has arrived");
        assert!(Instant::now() < deadline, "evil's own did not arrive after {told}");
        let after = cluster.dropped(host).await.unwrap()[*reason];
        assert!(after > before, "{told} is not counted as {reason}");
    }
}

fn ipv4(evil: Station, victim: Station, third: Station) -> Vec<Spoof> {
    let arp = |destination, operation, sender: Station, target_ip| {
        let arp = Arp {
            operation,
            sender_mac: sender.mac,
            sender_ip: sender.address,
            target_mac: if operation == Operation::Reply { third.mac } else { NO_MAC },
            target_ip,
        };
        ethernet(destination, evil.mac, EtherType::Arp, &arp.emit())
    };
    let (reply, request) = (Operation::Reply, Operation::Request);
    let as_victim = Station { mac: evil.mac, ..victim };
    let as_nobody = Station { address: Ipv4Addr::new(203, 0, 113, 9), ..evil };
    let letter = evil.letter(third, "tagged");
    let tagged = [&letter[..12], &[0x81, 0, 0, 7], &letter[12..]].concat();
    let question = ndisc(Icmpv6Kind::NeighborSolicitation, Ipv6Addr::LOCALHOST, evil.mac);
    vec![
        ("the victim's MAC address", victim.letter(third, "as victim"), "spoofed_mac"),
        ("a VLAN tag", tagged, "spoofed_mac"),
        ("the victim's IPv4", as_victim.letter(third, "its address"), "spoofed_address"),
        ("somebody's IPv4", as_nobody.letter(third, "another's"), "spoofed_address"),
        ("an ARP answer", arp(third.mac, reply, as_victim, third.address), "spoofed_arp"),
        ("an ARP announcement", arp(EVERYBODY, request, as_victim, victim.address), "spoofed_arp"),
        ("ARP as the victim", arp(EVERYBODY, request, victim, third.address), "spoofed_arp"),
        ("DHCP answers", dhcp(evil, third), "dhcp_server"),
        ("IPv6 where there is none", icmpv6(evil.mac, LINK_LOCAL, &question), "ipv6_off"),
    ]
}

/// A link-local address that is nobody's.
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);

fn ipv6(evil: &Six<'_>, victim: &Six<'_>, third: &Six<'_>) -> Vec<Spoof> {
    let advertisement = Icmpv6Kind::NeighborAdvertisement { flags: 0x2000_0000 };
    let claim = ndisc(advertisement, victim.address, evil.mac);
    let router = (Icmpv6Kind::Other { kind: 134, code: 0, rest: [64, 0, 7, 8] }, vec![0; 8]);
    let own = link_local(evil.mac);
    let dhcp = evil.datagram(third.mac, (evil.address, third.address), (547, 546));
    let stolen = evil.datagram(third.mac, (victim.address, third.address), (9, 9));
    let as_victim = victim.datagram(third.mac, (victim.address, third.address), (9, 9));
    vec![
        ("the victim's MAC address", as_victim, "spoofed_mac"),
        ("the victim's IPv6", stolen, "spoofed_address"),
        ("a neighbour advertisement", icmpv6(evil.mac, evil.address, &claim), "spoofed_nd"),
        ("a router advertisement", icmpv6(evil.mac, own, &router), "router_advertisement"),
        ("DHCPv6 answers", dhcp, "dhcp_server"),
    ]
}

fn ethernet(destination: MacAddr, source: MacAddr, ethertype: EtherType, body: &[u8]) -> Vec<u8> {
    Ethernet { destination, source, ethertype }.emit(body)
}

fn dhcp(evil: Station, third: Station) -> Vec<u8> {
    let ip = Ipv4 {
        traffic_class: 0,
        identification: 0,
        fragment: Fragment::WHOLE,
        ttl: 64,
        protocol: Protocol::Udp,
        source: evil.address,
        destination: third.address,
        options: Vec::new(),
    };
    let udp = Udp { source_port: 67, destination_port: 68, checksum: Checksum::Absent };
    ethernet(third.mac, evil.mac, EtherType::Ipv4, &ip.emit(&udp.emit(&[2; 240], ip.ends())))
}

/// About an address, with a link-layer address as its option.
fn ndisc(kind: Icmpv6Kind, target: Ipv6Addr, mac: MacAddr) -> (Icmpv6Kind, Vec<u8>) {
    let option = if kind == Icmpv6Kind::NeighborSolicitation { 1 } else { 2 };
    let options = [&[option, 1][..], &mac.0].concat();
    (kind, Ndisc { target, options }.emit())
}

/// To all nodes.
fn icmpv6(mac: MacAddr, source: Ipv6Addr, (kind, body): &(Icmpv6Kind, Vec<u8>)) -> Vec<u8> {
    let ends = Ends::V6 { source, destination: ALL_NODES };
    let message = Icmpv6 { kind: *kind, checksum: Checksum::Right }.emit(body, ends);
    let packet = header(Protocol::Icmpv6, source, ALL_NODES).emit(&message);
    ethernet(ALL_NODES_MAC, mac, EtherType::Ipv6, &packet)
}

fn header(next_header: Protocol, source: Ipv6Addr, destination: Ipv6Addr) -> Ipv6 {
    Ipv6 { traffic_class: 0, flow_label: 0, next_header, hop_limit: 255, source, destination }
}

/// The address that an interface gives itself (RFC 4291, appendix A).
fn link_local(mac: MacAddr) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0.map(u16::from);
    Ipv6Addr::new(0xfe80, 0, 0, 0, (a ^ 2) << 8 | b, c << 8 | 0xff, 0xfe00 | d, e << 8 | f)
}

/// A workload with an IPv6 address alone.
struct Six<'a> {
    host: &'a Host,
    name: &'static str,
    mac: MacAddr,
    address: Ipv6Addr,
    netns: Netns,
}

impl<'a> Six<'a> {
    async fn attach(cluster: &'a Cluster, host: &str, name: &'static str) -> Self {
        let host = cluster.host(host).unwrap();
        host.run(&["ip", "netns", "add", name]).await.unwrap();
        let attach = ["attach", "--network", "six", "--name", name, name];
        let made: AttachmentView = cluster.json(host, &attach).await.unwrap();
        let Some(&IpAddr::V6(address)) = made.endpoint.addresses.first() else {
            panic!("{name} has no IPv6 address")
        };
        let netns = Netns::open(&host.root().join("run/netns").join(name)).unwrap();
        Self { host, name, mac: made.endpoint.mac, address, netns }
    }

    async fn reaches(&self, to: &Six<'_>) -> anyhow::Result<()> {
        let address = to.address.to_string();
        let exec = ["ip", "netns", "exec", self.name];
        let ping = ["busybox", "ping", "-6", "-c", "1", "-W", "1", &address];
        let out = self.host.exec(&[&exec[..], &ping].concat()).await?;
        holds(out.is_success(), || format!("{} does not reach {}", self.name, to.name))
    }

    /// Under its own MAC address.
    fn datagram(
        &self,
        to: MacAddr,
        (source, destination): (Ipv6Addr, Ipv6Addr),
        (source_port, destination_port): (u16, u16),
    ) -> Vec<u8> {
        let ends = Ends::V6 { source, destination };
        let udp = Udp { source_port, destination_port, checksum: Checksum::Right };
        let packet = header(Protocol::Udp, source, destination).emit(&udp.emit(b"six", ends));
        ethernet(to, self.mac, EtherType::Ipv6, &packet)
    }
}
