//! The oracle: frames are held against what was told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    unreachable_pub,
    dead_code,
    reason = "integration tests"
)]

mod world;

use std::net::Ipv4Addr;

use weft_model::MacAddr;
use weft_path::{Field, Journey, Mismatch, walk};
use weft_wire::{
    Arp, Checksum, Decoded, EtherType, Ethernet, Fragment, Icmp, IcmpKind, Ipv4, Operation,
    Protocol, Udp, Vxlan,
};
use world::{WEB, facts, mac};

/// A ping from web to db on the wire between a and b, and what may be wrong with it.
#[derive(Clone)]
struct Caught {
    outer: ([u8; 4], [u8; 4]),
    port: u16,
    vni: u32,
    macs: (MacAddr, MacAddr),
    inner: ([u8; 4], [u8; 4]),
}

const RIGHT: Caught = Caught {
    outer: ([192, 0, 2, 1], [192, 0, 2, 2]),
    port: 4789,
    vni: 4242,
    macs: (MacAddr([2, 0, 0, 0, 0, 1]), MacAddr([2, 0, 0, 0, 0, 3])),
    inner: ([10, 7, 0, 3], [10, 7, 0, 5]),
};

fn ipv4(protocol: Protocol, (from, to): ([u8; 4], [u8; 4])) -> Ipv4 {
    Ipv4 {
        traffic_class: 0,
        identification: 0,
        fragment: Fragment::DO_NOT_CUT,
        ttl: 64,
        protocol,
        source: Ipv4Addr::from(from),
        destination: Ipv4Addr::from(to),
        options: Vec::new(),
    }
}

impl Caught {
    fn inner_frame(&self) -> Vec<u8> {
        let kind = IcmpKind::EchoRequest { id: 1, sequence: 1 };
        let ping = Icmp { kind, checksum: Checksum::Right }.emit(&[0; 56]);
        let (source, destination) = self.macs;
        Ethernet { destination, source, ethertype: EtherType::Ipv4 }
            .emit(&ipv4(Protocol::Icmp, self.inner).emit(&ping))
    }

    fn frame(&self) -> Vec<u8> {
        wrap(self, &self.inner_frame())
    }
}

fn wrap(caught: &Caught, frame: &[u8]) -> Vec<u8> {
    let ip = ipv4(Protocol::Udp, caught.outer);
    let udp =
        Udp { source_port: 50_000, destination_port: caught.port, checksum: Checksum::Absent };
    let datagram = udp.emit(&Vxlan { vni: caught.vni }.emit(frame), ip.ends());
    Ethernet { destination: mac(0xb), source: mac(0xa), ethertype: EtherType::Ipv4 }
        .emit(&ip.emit(&datagram))
}

fn matched(journey: &Journey, frame: &[u8]) -> Result<(), Mismatch> {
    journey.matches(&Decoded::parse(frame).unwrap())
}

#[test]
fn a_frame_that_is_as_told_matches() {
    assert_eq!(matched(&walk(&facts(), WEB, "db"), &RIGHT.frame()), Ok(()));
}

#[test]
fn each_field_is_compared() {
    let journey = walk(&facts(), WEB, "db");
    let field = |caught: Caught| match matched(&journey, &caught.frame()) {
        Err(Mismatch::Differs { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let ((a, b), (m, n), (c, d)) = (RIGHT.outer, RIGHT.macs, RIGHT.inner);
    let other = [192, 0, 2, 9];
    assert_eq!(field(Caught { outer: (other, b), ..RIGHT }), Field::OuterSource);
    assert_eq!(field(Caught { outer: (a, other), ..RIGHT }), Field::OuterDestination);
    assert_eq!(field(Caught { vni: 4243, ..RIGHT }), Field::Vni);
    assert_eq!(field(Caught { macs: (mac(9), n), ..RIGHT }), Field::SourceMac);
    assert_eq!(field(Caught { macs: (m, mac(9)), ..RIGHT }), Field::DestinationMac);
    assert_eq!(field(Caught { inner: (other, d), ..RIGHT }), Field::Source);
    assert_eq!(field(Caught { inner: (c, other), ..RIGHT }), Field::Destination);
}

#[test]
fn another_port_is_noticed() {
    let frame = Caught { port: 8472, ..RIGHT }.frame();
    let decoded = Decoded::with_vxlan_port(&frame, 8472).unwrap();
    let differs = walk(&facts(), WEB, "db").matches(&decoded).unwrap_err();
    assert_eq!(differs.to_string(), "the outer UDP port should be 4789 and is 8472");
}

#[test]
fn what_leaves_the_host_is_in_vxlan() {
    let journey = walk(&facts(), WEB, "db");
    assert_eq!(matched(&journey, &RIGHT.inner_frame()), Err(Mismatch::NotVxlan));
}

#[test]
fn what_stays_on_the_host_is_not() {
    let journey = walk(&facts(), WEB, "cache");
    let inner = (RIGHT.inner.0, [10, 7, 0, 4]);
    let caught = Caught { macs: (mac(1), mac(2)), inner, ..RIGHT };
    assert_eq!(matched(&journey, &caught.inner_frame()), Ok(()));
    assert_eq!(matched(&journey, &caught.frame()), Err(Mismatch::StaysOnHost));
}

#[test]
fn nothing_is_seen_of_a_packet_that_is_dropped() {
    let journey = walk(&facts(), WEB, "lost");
    assert_eq!(matched(&journey, &RIGHT.frame()), Err(Mismatch::Dropped));
}

#[test]
fn a_question_for_a_neighbor_never_leaves_the_host() {
    let arp = Arp {
        operation: Operation::Request,
        sender_mac: mac(1),
        sender_ip: RIGHT.inner.0.into(),
        target_mac: MacAddr([0; 6]),
        target_ip: RIGHT.inner.1.into(),
    };
    let destination = MacAddr::BROADCAST;
    let question = Ethernet { destination, source: mac(1), ethertype: EtherType::Arp };
    let frame = wrap(&RIGHT, &question.emit(&arp.emit()));
    assert_eq!(matched(&walk(&facts(), WEB, "db"), &frame), Err(Mismatch::NotIp));
}
