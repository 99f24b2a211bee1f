//! Whole frames, and how they are told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::net::{Ipv4Addr, Ipv6Addr};

use weft_model::MacAddr;
use weft_wire::{
    Arp, Checksum, Decoded, EtherType, Ethernet, Fragment, Icmp, IcmpKind, Icmpv6, Icmpv6Kind,
    Ipv4, Ipv6, Ndisc, Operation, ParseError, Protocol, Tcp, TcpFlags, Udp, Vxlan,
};

const C1: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const C2: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);
const HOST_A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const HOST_B: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const INNER_A: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 3);
const INNER_B: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 4);

fn ethernet(ethertype: EtherType) -> Ethernet {
    Ethernet { destination: C2, source: C1, ethertype }
}

fn ipv4(protocol: Protocol, source: Ipv4Addr, destination: Ipv4Addr) -> Ipv4 {
    Ipv4 {
        traffic_class: 0,
        identification: 1,
        fragment: Fragment::DO_NOT_CUT,
        ttl: 64,
        protocol,
        source,
        destination,
        options: Vec::new(),
    }
}

fn ping() -> Vec<u8> {
    let kind = IcmpKind::EchoRequest { id: 77, sequence: 1 };
    let icmp = Icmp { kind, checksum: Checksum::Right }.emit(&[0; 56]);
    let ip = ipv4(Protocol::Icmp, INNER_A, INNER_B).emit(&icmp);
    ethernet(EtherType::Ipv4).emit(&ip)
}

fn in_vxlan(frame: &[u8], port: u16) -> Vec<u8> {
    let ip = ipv4(Protocol::Udp, HOST_A, HOST_B);
    let udp = Udp { source_port: 50_000, destination_port: port, checksum: Checksum::Absent };
    let datagram = udp.emit(&Vxlan { vni: 4242 }.emit(frame), ip.ends());
    ethernet(EtherType::Ipv4).emit(&ip.emit(&datagram))
}

#[track_caller]
fn check(frame: &[u8], expected: &str) {
    assert_eq!(Decoded::parse(frame).unwrap().to_string(), expected);
}

#[test]
fn a_ping_in_vxlan_is_told_from_the_outside_in() {
    check(
        &in_vxlan(&ping(), 4789),
        "192.0.2.1 > 192.0.2.2: VXLAN 4242 (UDP 50000 > 4789) with \
         [02:00:00:00:00:01 > 02:00:00:00:00:02: 10.7.0.3 > 10.7.0.4 ping 77/1, 56 bytes]",
    );
}

#[test]
fn another_port_is_vxlan_only_if_the_cluster_uses_it() {
    let frame = in_vxlan(&ping(), 8472);
    assert!(Decoded::parse(&frame).unwrap().vxlan().is_none());
    let decoded = Decoded::with_vxlan_port(&frame, 8472).unwrap();
    let (ip, udp, vxlan, inner) = decoded.vxlan().unwrap();
    assert_eq!((ip.source(), ip.destination()), (HOST_A.into(), HOST_B.into()));
    assert_eq!((udp.checksum, vxlan.vni), (Checksum::Absent, 4242));
    assert_eq!(inner, &Decoded::parse(&ping()).unwrap());
    assert_eq!(decoded.innermost(), inner);
}

#[test]
fn vxlan_inside_vxlan_is_a_container_that_runs_its_own() {
    let decoded = Decoded::parse(&in_vxlan(&in_vxlan(&ping(), 4789), 4789)).unwrap();
    assert!(decoded.vxlan().unwrap().3.vxlan().is_none());
}

#[test]
fn arp_is_told_as_question_and_answer() {
    let mut arp = Arp {
        operation: Operation::Request,
        sender_mac: C1,
        sender_ip: INNER_A,
        target_mac: MacAddr([0; 6]),
        target_ip: INNER_B,
    };
    let frame = |arp: &Arp| ethernet(EtherType::Arp).emit(&arp.emit());
    let prefix = "02:00:00:00:00:01 > 02:00:00:00:00:02: ARP";
    check(&frame(&arp), &format!("{prefix}, who has 10.7.0.4? tell 10.7.0.3"));
    arp.operation = Operation::Reply;
    check(&frame(&arp), &format!("{prefix}, 10.7.0.3 is at 02:00:00:00:00:01"));
}

#[test]
fn a_checksum_that_the_device_fills_in_later_is_told_and_not_refused() {
    let ip = ipv4(Protocol::Tcp, INNER_A, INNER_B);
    let tcp = Tcp {
        source_port: 40_000,
        destination_port: 80,
        sequence: 1,
        acknowledgment: 0,
        reserved: 0,
        flags: TcpFlags(0b10),
        window: 64_240,
        checksum: Checksum::Wrong(0x1234),
        urgent: 0,
        options: Vec::new(),
    };
    let frame = ethernet(EtherType::Ipv4).emit(&ip.emit(&tcp.emit(&[], ip.ends())));
    check(
        &frame,
        "02:00:00:00:00:01 > 02:00:00:00:00:02: 10.7.0.3 > 10.7.0.4 \
         TCP 40000 > 80, syn, 0 bytes (checksum not filled in)",
    );
}

#[test]
fn neighbor_discovery_is_told_like_arp() {
    let (from, to): (Ipv6Addr, Ipv6Addr) = ("fd00::3".parse().unwrap(), "fd00::4".parse().unwrap());
    let ip = Ipv6 {
        traffic_class: 0,
        flow_label: 0,
        next_header: Protocol::Icmpv6,
        hop_limit: 255,
        source: from,
        destination: to,
    };
    let kind = Icmpv6Kind::NeighborAdvertisement { flags: 0x6000_0000 };
    let message = Icmpv6 { kind, checksum: Checksum::Right };
    let options = [&[14, 1, 0, 0, 0, 0, 0, 0, 2, 1][..], &C1.0].concat();
    let body = Ndisc { target: from, options };
    let frame = ethernet(EtherType::Ipv6).emit(&ip.emit(&message.emit(&body.emit(), ip.ends())));
    check(
        &frame,
        "02:00:00:00:00:01 > 02:00:00:00:00:02: fd00::3 > fd00::4 \
         ND, fd00::3 is at 02:00:00:00:00:01",
    );
}

#[test]
fn what_is_cut_off_is_told_as_far_as_it_goes() {
    let frame = ping();
    assert_eq!(
        Decoded::parse(&frame[..13]),
        Err(ParseError::Truncated { what: "Ethernet header", needed: 2, given: 1 })
    );
    check(
        &frame[..30],
        "02:00:00:00:00:01 > 02:00:00:00:00:02: broken: \
         IPv4 header is cut off: 4 more bytes are needed, 0 are there",
    );
}

#[test]
fn a_later_fragment_has_no_ports() {
    let ip = Ipv4 { fragment: Fragment::from_bits(185), ..ipv4(Protocol::Udp, INNER_A, INNER_B) };
    check(
        &ethernet(EtherType::Ipv4).emit(&ip.emit(&[0; 8])),
        "02:00:00:00:00:01 > 02:00:00:00:00:02: 10.7.0.3 > 10.7.0.4 \
         fragment of protocol 17, 8 bytes",
    );
}

#[test]
fn a_vxlan_header_without_a_valid_vni_is_refused() {
    assert_eq!(
        Vxlan::parse(&[0; 8]),
        Err(ParseError::Malformed { what: "VXLAN header", field: "flags", value: 0 })
    );
}
