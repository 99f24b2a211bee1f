//! What is written reads back, and nothing that is read panics.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use weft_model::MacAddr;
use weft_wire::{
    Arp, Checksum, Decoded, Ends, EtherType, Ethernet, Fragment, Icmp, IcmpKind, Icmpv6,
    Icmpv6Kind, Ipv4, Ipv6, Ndisc, Operation, Protocol, Tcp, TcpFlags, Udp, Vxlan,
};

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}

fn words() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<[u8; 4]>(), 0..=10).prop_map(|words| words.concat())
}

fn mac() -> impl Strategy<Value = MacAddr> {
    any::<[u8; 6]>().prop_map(MacAddr)
}

fn ends() -> impl Strategy<Value = Ends> {
    prop_oneof![
        any::<(Ipv4Addr, Ipv4Addr)>()
            .prop_map(|(source, destination)| Ends::V4 { source, destination }),
        any::<(Ipv6Addr, Ipv6Addr)>()
            .prop_map(|(source, destination)| Ends::V6 { source, destination }),
    ]
}

prop_compose! {
    fn ethernet()(destination in mac(), source in mac(), kind in any::<u16>()) -> Ethernet {
        Ethernet { destination, source, ethertype: EtherType::from(kind) }
    }
}

prop_compose! {
    fn arp()(
        operation in prop_oneof![
            Just(Operation::Request), Just(Operation::Reply), (3..u16::MAX).prop_map(Operation::Other)
        ],
        sender_mac in mac(), sender_ip in any::<Ipv4Addr>(),
        target_mac in mac(), target_ip in any::<Ipv4Addr>(),
    ) -> Arp {
        Arp { operation, sender_mac, sender_ip, target_mac, target_ip }
    }
}

prop_compose! {
    fn ipv4()(
        traffic_class in any::<u8>(), identification in any::<u16>(), fragment in any::<u16>(),
        ttl in any::<u8>(), protocol in any::<u8>(), source in any::<Ipv4Addr>(),
        destination in any::<Ipv4Addr>(), options in words(),
    ) -> Ipv4 {
        let (fragment, protocol) = (Fragment::from_bits(fragment), Protocol::from(protocol));
        Ipv4 { traffic_class, identification, fragment, ttl, protocol, source, destination, options }
    }
}

prop_compose! {
    fn ipv6()(
        traffic_class in any::<u8>(), flow_label in 0..1u32 << 20, next_header in any::<u8>(),
        hop_limit in any::<u8>(), source in any::<Ipv6Addr>(), destination in any::<Ipv6Addr>(),
    ) -> Ipv6 {
        let next_header = Protocol::from(next_header);
        Ipv6 { traffic_class, flow_label, next_header, hop_limit, source, destination }
    }
}

prop_compose! {
    fn tcp()(
        ports in any::<(u16, u16)>(), numbers in any::<(u32, u32)>(), reserved in 0..16u8,
        rest in any::<(u8, u16, u16)>(), options in words(),
    ) -> Tcp {
        Tcp {
            source_port: ports.0, destination_port: ports.1, sequence: numbers.0,
            acknowledgment: numbers.1, reserved, flags: TcpFlags(rest.0), window: rest.1,
            checksum: Checksum::Right, urgent: rest.2, options,
        }
    }
}

fn icmp_kind() -> impl Strategy<Value = IcmpKind> {
    prop_oneof![
        any::<(u16, u16)>().prop_map(|(id, sequence)| IcmpKind::EchoRequest { id, sequence }),
        any::<(u16, u16)>().prop_map(|(id, sequence)| IcmpKind::EchoReply { id, sequence }),
        any::<u16>().prop_map(|mtu| IcmpKind::FragmentationNeeded { mtu }),
        (9..u8::MAX, any::<u8>(), any::<[u8; 4]>())
            .prop_map(|(kind, code, rest)| IcmpKind::Other { kind, code, rest }),
    ]
}

fn icmpv6_kind() -> impl Strategy<Value = Icmpv6Kind> {
    prop_oneof![
        any::<(u16, u16)>().prop_map(|(id, sequence)| Icmpv6Kind::EchoRequest { id, sequence }),
        any::<(u16, u16)>().prop_map(|(id, sequence)| Icmpv6Kind::EchoReply { id, sequence }),
        any::<u32>().prop_map(|mtu| Icmpv6Kind::PacketTooBig { mtu }),
        Just(Icmpv6Kind::NeighborSolicitation),
        any::<u32>().prop_map(|flags| Icmpv6Kind::NeighborAdvertisement { flags }),
        (137..u8::MAX, any::<u8>(), any::<[u8; 4]>())
            .prop_map(|(kind, code, rest)| Icmpv6Kind::Other { kind, code, rest }),
    ]
}

fn udp_checksum() -> impl Strategy<Value = Checksum> {
    prop_oneof![Just(Checksum::Absent), Just(Checksum::Right)]
}

/// Mostly right down to the transport, so that the walk gets far, then bent in a few places.
fn nearly_a_frame() -> impl Strategy<Value = Vec<u8>> {
    let ports = (any::<u16>(), prop_oneof![Just(4789), any::<u16>()]);
    let carried = (ethernet(), ipv4(), ports, udp_checksum(), bytes(), ethernet(), 0..1u32 << 24);
    let frame = carried.prop_map(|(outer, mut ip, (from, to), checksum, payload, inner, vni)| {
        (ip.protocol, ip.fragment) = (Protocol::Udp, Fragment::WHOLE);
        let udp = Udp { source_port: from, destination_port: to, checksum };
        let vxlan = Vxlan { vni }.emit(&inner.emit(&payload));
        let outer = Ethernet { ethertype: EtherType::Ipv4, ..outer };
        outer.emit(&ip.emit(&udp.emit(&vxlan, ip.ends())))
    });
    let bends = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (frame, bends, any::<prop::sample::Index>()).prop_map(|(mut frame, bends, end)| {
        for (at, byte) in bends {
            *at.get_mut(&mut frame) = byte;
        }
        let whole = frame.len();
        if end.index(4) == 0 {
            frame.truncate(end.index(whole));
        }
        frame
    })
}

proptest! {
    #[test]
    fn ethernet_reads_back(header in ethernet(), payload in bytes()) {
        let frame = header.emit(&payload);
        prop_assert_eq!(Ethernet::parse(&frame), Ok((header, &payload[..])));
    }

    #[test]
    fn arp_reads_back_also_with_padding(packet in arp(), padding in bytes()) {
        prop_assert_eq!(Arp::parse(&[packet.emit(), padding].concat()), Ok(packet));
    }

    #[test]
    fn ipv4_reads_back_and_leaves_padding_aside(
        header in ipv4(), payload in bytes(), padding in bytes(),
    ) {
        let packet = [header.emit(&payload), padding].concat();
        prop_assert_eq!(Ipv4::parse(&packet), Ok((header, &payload[..])));
    }

    #[test]
    fn a_flipped_bit_in_an_ipv4_header_is_noticed(header in ipv4(), bit in 0..160usize) {
        let mut packet = header.emit(&[]);
        packet[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(Ipv4::parse(&packet).is_err());
    }

    #[test]
    fn ipv6_reads_back(header in ipv6(), payload in bytes(), padding in bytes()) {
        let packet = [header.emit(&payload), padding].concat();
        prop_assert_eq!(Ipv6::parse(&packet), Ok((header, &payload[..])));
    }

    #[test]
    fn udp_reads_back(
        ends in ends(), ports in any::<(u16, u16)>(), checksum in udp_checksum(), payload in bytes(),
    ) {
        let header = Udp { source_port: ports.0, destination_port: ports.1, checksum };
        let datagram = header.emit(&payload, ends);
        prop_assert_eq!(Udp::parse(&datagram, ends), Ok((header, &payload[..])));
    }

    #[test]
    fn tcp_reads_back(ends in ends(), header in tcp(), payload in bytes()) {
        let segment = header.emit(&payload, ends);
        prop_assert_eq!(Tcp::parse(&segment, ends), Ok((header, &payload[..])));
    }

    #[test]
    fn icmp_reads_back(kind in icmp_kind(), payload in bytes()) {
        let header = Icmp { kind, checksum: Checksum::Right };
        let message = header.emit(&payload);
        prop_assert_eq!(Icmp::parse(&message), Ok((header, &payload[..])));
    }

    #[test]
    fn icmpv6_reads_back(ends in ends(), kind in icmpv6_kind(), payload in bytes()) {
        let header = Icmpv6 { kind, checksum: Checksum::Right };
        let message = header.emit(&payload, ends);
        prop_assert_eq!(Icmpv6::parse(&message, ends), Ok((header, &payload[..])));
    }

    #[test]
    fn ndisc_reads_back(target in any::<Ipv6Addr>(), options in bytes()) {
        let body = Ndisc { target, options };
        let _found_or_not = body.link_address();
        prop_assert_eq!(Ndisc::parse(&body.emit()), Ok(body));
    }

    #[test]
    fn vxlan_reads_back(vni in 0..1u32 << 24, frame in bytes()) {
        let header = Vxlan { vni };
        let packet = header.emit(&frame);
        prop_assert_eq!(Vxlan::parse(&packet), Ok((header, &frame[..])));
    }

    /// The other way round: what was read is written as it was, whatever it was.
    #[test]
    fn bytes_that_were_understood_are_written_as_they_were(bytes in bytes(), ends in ends()) {
        if let Ok((header, payload)) = Ethernet::parse(&bytes) {
            prop_assert_eq!(header.emit(payload), bytes.clone());
        }
        if let Ok((header, payload)) = Tcp::parse(&bytes, ends) {
            prop_assert_eq!(header.emit(payload, ends), bytes.clone());
        }
        if let Ok((header, payload)) = Udp::parse(&bytes, ends) {
            let length = 8 + payload.len();
            prop_assert_eq!(header.emit(payload, ends), &bytes[..length]);
        }
        if let Ok((header, payload)) = Icmp::parse(&bytes) {
            prop_assert_eq!(header.emit(payload), bytes.clone());
        }
        if let Ok((header, payload)) = Icmpv6::parse(&bytes, ends) {
            prop_assert_eq!(header.emit(payload, ends), bytes);
        }
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in bytes(), ends in ends()) {
        let _link = (Ethernet::parse(&bytes), Arp::parse(&bytes), Ipv4::parse(&bytes));
        let _network = (Ipv6::parse(&bytes), Udp::parse(&bytes, ends), Tcp::parse(&bytes, ends));
        let _control = (Icmp::parse(&bytes), Icmpv6::parse(&bytes, ends), Ndisc::parse(&bytes));
        let _tunnel = (Vxlan::parse(&bytes), Decoded::parse(&bytes).map(|decoded| decoded.to_string()));
    }

    #[test]
    fn no_bent_frame_makes_the_walk_panic(frame in nearly_a_frame()) {
        let _told = Decoded::parse(&frame).map(|decoded| decoded.to_string());
    }
}
