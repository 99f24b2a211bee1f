//! The question for a neighbor's MAC address: ARP (RFC 826) or a neighbour solicitation (RFC 4861).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use weft_model::MacAddr;

use crate::{
    Arp, Checksum, EtherType, Ethernet, Icmpv6, Icmpv6Kind, Ipv6, Ndisc, Operation, Protocol,
};

/// The whole frame in which `mac` with address `ip` asks who has `target`; nothing if the addresses
/// are of two families.
#[must_use]
pub fn question((mac, ip): (MacAddr, IpAddr), target: IpAddr) -> Option<Vec<u8>> {
    match (ip, target) {
        (IpAddr::V4(ip), IpAddr::V4(target)) => Some(request((mac, ip), target)),
        (IpAddr::V6(ip), IpAddr::V6(target)) => Some(solicitation((mac, ip), target)),
        _ => None,
    }
}

fn request((sender_mac, sender_ip): (MacAddr, Ipv4Addr), target_ip: Ipv4Addr) -> Vec<u8> {
    let (operation, target_mac) = (Operation::Request, MacAddr([0; 6]));
    let arp = Arp { operation, sender_mac, sender_ip, target_mac, target_ip };
    let (destination, source) = (MacAddr::BROADCAST, sender_mac);
    Ethernet { destination, source, ethertype: EtherType::Arp }.emit(&arp.emit())
}

/// To the group of all addresses that end as the target does (RFC 4291 §2.7.1), with the asker's MAC
/// in the option for it (RFC 4861 §4.6.1) and a hop limit that no router lets pass (§7.1.1).
fn solicitation((mac, source): (MacAddr, Ipv6Addr), target: Ipv6Addr) -> Vec<u8> {
    let [.., x, y, z] = target.octets();
    let group = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, x, y, z]);
    let header = Ipv6 {
        traffic_class: 0,
        flow_label: 0,
        next_header: Protocol::Icmpv6,
        hop_limit: 255,
        source,
        destination: group,
    };
    let body = Ndisc { target, options: [&[1, 1][..], &mac.0].concat() };
    let message = Icmpv6 { kind: Icmpv6Kind::NeighborSolicitation, checksum: Checksum::Right };
    let packet = header.emit(&message.emit(&body.emit(), header.ends()));
    let destination = MacAddr([0x33, 0x33, 0xff, x, y, z]);
    Ethernet { destination, source: mac, ethertype: EtherType::Ipv6 }.emit(&packet)
}

#[cfg(test)]
mod tests {
    use crate::Decoded;

    use super::*;

    const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

    #[test]
    fn a_question_is_told_as_one() {
        for (ip, target, told) in [
            (
                "10.0.0.1",
                "10.0.0.2",
                "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff: ARP, who has 10.0.0.2? tell 10.0.0.1",
            ),
            (
                "fd00::1",
                "fd00::5:6789",
                "02:00:00:00:00:01 > 33:33:ff:05:67:89: fd00::1 > ff02::1:ff05:6789 \
                 ND, who has fd00::5:6789?",
            ),
        ] {
            let frame = question((MAC, ip.parse().unwrap()), target.parse().unwrap()).unwrap();
            assert_eq!(Decoded::parse(&frame).unwrap().to_string(), told);
        }
    }

    #[test]
    fn nobody_is_asked_from_an_address_of_another_family() {
        let (v4, v6) = ("10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap());
        assert_eq!((question((MAC, v4), v6), question((MAC, v6), v4)), (None, None));
    }
}
