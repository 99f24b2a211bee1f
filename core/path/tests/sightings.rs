//! Frames that were seen passing, told as parts of a journey.
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

use weft_model::{Hop, MacAddr};
use weft_path::{Point, Sighting, Subject, sighting};
use weft_wire::{Checksum, Decoded, EtherType, Ethernet, Fragment, Ipv4, Protocol, Udp, Vxlan};
use world::{A, APP, WEB, facts, mac};

const WEB_ON_A: Subject = Subject { host: A, endpoint: WEB, network: APP };
const EVERYBODY: MacAddr = MacAddr([0xff; 6]);

fn frame(source: MacAddr, destination: MacAddr) -> Vec<u8> {
    Ethernet { destination, source, ethertype: EtherType::Other(0x88b5) }.emit(b"hello")
}

fn tunnelled(vni: u32, inner: &[u8]) -> Vec<u8> {
    let ip = Ipv4 {
        traffic_class: 0,
        identification: 0,
        fragment: Fragment::WHOLE,
        ttl: 64,
        protocol: Protocol::Udp,
        source: Ipv4Addr::new(192, 0, 2, 1),
        destination: Ipv4Addr::new(192, 0, 2, 9),
        options: Vec::new(),
    };
    let udp = Udp { source_port: 50_000, destination_port: 4789, checksum: Checksum::Absent };
    let datagram = udp.emit(&Vxlan { vni }.emit(inner), ip.ends());
    let link = Ethernet { destination: mac(9), source: mac(8), ethertype: EtherType::Ipv4 };
    link.emit(&ip.emit(&datagram))
}

fn seen(point: Point, outgoing: bool, frame: &[u8]) -> Option<(Hop, String)> {
    let decoded = Decoded::parse(frame).unwrap();
    let sighting = sighting(&facts(), WEB_ON_A, (point, outgoing), &decoded);
    sighting.map(|Sighting { hop, told }| (hop, told))
}

#[track_caller]
fn check(point: Point, outgoing: bool, frame: &[u8], (hop, told): (Hop, &str)) {
    assert_eq!(seen(point, outgoing, frame), Some((hop, told.to_owned())));
}

#[test]
fn a_frame_is_told_by_its_hop() {
    let (out, back) = (frame(mac(1), mac(3)), frame(mac(3), mac(1)));
    check(Point::Port, false, &out, (Hop::Neighbor, "web sends to db"));
    check(Point::Tunnel, true, &out, (Hop::Encap, "for app to db at b"));
    let wire = tunnelled(4242, &out);
    let told = "a (192.0.2.1) > 192.0.2.9, VNI 4242";
    check(Point::Underlay, true, &wire, (Hop::Underlay, told));
    check(Point::Tunnel, false, &back, (Hop::Decap, "of app from db at b"));
    check(Point::Port, true, &back, (Hop::Deliver, "to web from db"));
}

#[test]
fn who_is_not_known_is_told_by_address() {
    let strange = frame(mac(0x99), mac(1));
    check(Point::Tunnel, false, &strange, (Hop::Decap, "of app from 02:00:00:00:00:99"));
    check(Point::Port, false, &strange, (Hop::Neighbor, "02:00:00:00:00:99 sends to web"));
}

#[test]
fn what_concerns_others_is_not_told() {
    let others = frame(mac(2), mac(3));
    assert_eq!(seen(Point::Tunnel, true, &others), None);
    assert_eq!(seen(Point::Underlay, true, &tunnelled(4242, &others)), None);
    let own = frame(mac(1), mac(3));
    assert_eq!(seen(Point::Underlay, true, &tunnelled(4243, &own)), None, "another network");
    assert_eq!(seen(Point::Underlay, true, &own), None, "no tunnel");
    let to_all = frame(mac(3), EVERYBODY);
    check(Point::Tunnel, false, &to_all, (Hop::Decap, "of app from db at b"));
    assert_eq!(seen(Point::Tunnel, true, &frame(mac(2), EVERYBODY)), None, "a neighbour's");
}
