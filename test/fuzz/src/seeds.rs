//! Inputs that are right, to be bent.

use std::net::{Ipv4Addr, Ipv6Addr};

use weft_model::MacAddr;
use weft_wire::{
    Arp, Checksum, Ends, EtherType, Ethernet, Fragment, Icmp, IcmpKind, Icmpv6, Icmpv6Kind, Ipv4,
    Ipv6, Ndisc, Operation, Protocol, Tcp, TcpFlags, Udp, Vxlan,
};

const SOURCE: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const DESTINATION: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);
const FROM: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 3);
const TO: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 4);

/// One frame of each kind, plain and in VXLAN.
pub(crate) fn frames() -> Vec<Vec<u8>> {
    let plain = [arp(), ping(), syn(), solicitation(), in_ipv4(Protocol::Other(47), &[0; 24])];
    let wrapped: Vec<Vec<u8>> = plain.iter().map(|frame| in_vxlan(frame)).collect();
    let twice = wrapped.iter().map(|frame| in_vxlan(frame)).collect();
    [plain.to_vec(), wrapped, twice].concat()
}

fn frame(ethertype: EtherType, payload: &[u8]) -> Vec<u8> {
    Ethernet { destination: DESTINATION, source: SOURCE, ethertype }.emit(payload)
}

fn in_ipv4(protocol: Protocol, payload: &[u8]) -> Vec<u8> {
    let ip = Ipv4 {
        traffic_class: 0,
        identification: 7,
        fragment: Fragment::DO_NOT_CUT,
        ttl: 64,
        protocol,
        source: FROM,
        destination: TO,
        options: vec![1; 4],
    };
    frame(EtherType::Ipv4, &ip.emit(payload))
}

const fn ends() -> Ends {
    Ends::V4 { source: FROM, destination: TO }
}

fn arp() -> Vec<u8> {
    let arp = Arp {
        operation: Operation::Request,
        sender_mac: SOURCE,
        sender_ip: FROM,
        target_mac: DESTINATION,
        target_ip: TO,
    };
    frame(EtherType::Arp, &arp.emit())
}

fn ping() -> Vec<u8> {
    let kind = IcmpKind::EchoRequest { id: 1, sequence: 2 };
    in_ipv4(Protocol::Icmp, &Icmp { kind, checksum: Checksum::Right }.emit(&[0; 56]))
}

fn syn() -> Vec<u8> {
    let tcp = Tcp {
        source_port: 40_000,
        destination_port: 80,
        sequence: 1,
        acknowledgment: 0,
        reserved: 0,
        flags: TcpFlags(2),
        window: 64_240,
        checksum: Checksum::Right,
        urgent: 0,
        options: vec![2, 4, 5, 0x7e],
    };
    in_ipv4(Protocol::Tcp, &tcp.emit(&[], ends()))
}

fn solicitation() -> Vec<u8> {
    let (source, destination) = (Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED);
    let next_header = Protocol::Icmpv6;
    let ip =
        Ipv6 { traffic_class: 0, flow_label: 0, next_header, hop_limit: 255, source, destination };
    let kind = Icmpv6Kind::NeighborSolicitation;
    let body = Ndisc { target: destination, options: [&[1, 1][..], &SOURCE.0].concat() };
    let message = Icmpv6 { kind, checksum: Checksum::Right }.emit(&body.emit(), ip.ends());
    frame(EtherType::Ipv6, &ip.emit(&message))
}

fn in_vxlan(inner: &[u8]) -> Vec<u8> {
    let udp = Udp { source_port: 50_000, destination_port: 4789, checksum: Checksum::Absent };
    in_ipv4(Protocol::Udp, &udp.emit(&Vxlan { vni: 4242 }.emit(inner), ends()))
}

fn texts(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Questions to the name server, and names.
pub(crate) fn names() -> Vec<Vec<u8>> {
    texts(&[
        "web",
        "Web.App.",
        "4.0.7.10.in-addr.arpa",
        "4.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.",
        "_dns._udp.example.org",
        "0123456789abcdef0123456789abcdef",
        "02:00:00:00:00:09",
    ])
}

/// What `weft token` prints.
pub(crate) fn tokens() -> Vec<Vec<u8>> {
    let (hash, secret) = ("0123456789abcdef".repeat(4), "0123456789abcdef".repeat(2));
    texts(&["weft-1-", &format!("weft-1-{hash}-{secret}"), &format!("  weft-1-{hash}-\n")])
}

/// A registry's key, a line end, its value.
pub(crate) fn entries() -> Vec<Vec<u8>> {
    let (id, key) = ("0123456789abcdef".repeat(2), format!("04{}", "0123456789abcdef".repeat(8)));
    let node = format!(
        r#"{{"id":"{id}","key":"{key}","name":"a","role":"worker","vtep":"192.0.2.1","control":"192.0.2.1:4790"}}"#
    );
    let network = format!(
        r#"{{"id":"{id}","name":"app","vni":4242,"subnets":[{{"range":"10.7.0.0/24","gateway":"10.7.0.1","reserved":[]}}],"mtu":1450,"internal":false,"options":{{}},"labels":{{}}}}"#
    );
    let block =
        format!(r#"{{"network":"{id}","range":"10.7.0.8/29","owner":"{id}","generation":1}}"#);
    texts(&[
        &format!("/node/{id}\n{node}"),
        &format!("/network/{id}\n{network}"),
        &format!("/block/{id}/10.7.0.8_29\n{block}"),
        &format!("/network-name/app\n\"{id}\""),
        &format!("/vni/4242\n\"{id}\""),
        "/token/worker\n{\"role\":\"worker\",\"salt\":\"00\",\"sha256\":\"00\",\"expires_at\":null}",
        "/cluster\n{}",
    ])
}
