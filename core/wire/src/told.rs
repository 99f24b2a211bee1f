//! A frame on one line, for people.

use std::fmt;

use crate::{
    Arp, Checksum, Content, Decoded, EtherType, Icmp, IcmpKind, Icmpv6, Icmpv6Kind, Ip, Ndisc,
    Operation, Transport,
};

impl fmt::Display for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.ethernet.source, self.ethernet.destination);
        match &self.content {
            Content::Ip(ip, Transport::Vxlan(udp, vxlan, inner)) => write!(
                f,
                "{} > {}: VXLAN {} (UDP {} > {}) with [{inner}]",
                ip.source(),
                ip.destination(),
                vxlan.vni,
                udp.source_port,
                udp.destination_port
            ),
            Content::Ip(ip, transport) => write!(f, "{from} > {to}: {} {transport}", Pair(ip)),
            Content::Arp(arp) => write!(f, "{from} > {to}: {arp}"),
            Content::Other { length } => {
                write!(f, "{from} > {to}: {}, {length} bytes", self.ethernet.ethertype)
            }
            Content::Broken(error) => write!(f, "{from} > {to}: broken: {error}"),
        }
    }
}

struct Pair<'a>(&'a Ip);

impl fmt::Display for Pair<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}", self.0.source(), self.0.destination())
    }
}

impl fmt::Display for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4 => f.write_str("IPv4"),
            Self::Arp => f.write_str("ARP"),
            Self::Ipv6 => f.write_str("IPv6"),
            Self::Other(number) => write!(f, "ethertype {number:#06x}"),
        }
    }
}

impl fmt::Display for Arp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.operation {
            Operation::Request => {
                write!(f, "ARP, who has {}? tell {}", self.target_ip, self.sender_ip)
            }
            Operation::Reply => write!(f, "ARP, {} is at {}", self.sender_ip, self.sender_mac),
            Operation::Other(number) => write!(f, "ARP, operation {number}"),
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vxlan(_, vxlan, inner) => write!(f, "VXLAN {} with [{inner}]", vxlan.vni),
            Self::Udp(udp, length) => {
                let (from, to) = (udp.source_port, udp.destination_port);
                write!(f, "UDP {from} > {to}, {length} bytes{}", Doubt(udp.checksum))
            }
            Self::Tcp(tcp, length) => {
                let (from, to) = (tcp.source_port, tcp.destination_port);
                let doubt = Doubt(tcp.checksum);
                write!(f, "TCP {from} > {to}, {}, {length} bytes{doubt}", tcp.flags)
            }
            Self::Icmp(icmp, length) => write!(f, "{icmp}, {length} bytes"),
            Self::Icmpv6(icmp, length) => write!(f, "{icmp}, {length} bytes"),
            Self::Ndisc(message, ndisc) => tell_ndisc(f, message, ndisc),
            Self::Fragment(protocol, length) => {
                write!(f, "fragment of protocol {}, {length} bytes", protocol.number())
            }
            Self::Other(protocol, length) => {
                write!(f, "protocol {}, {length} bytes", protocol.number())
            }
            Self::Broken(error) => write!(f, "broken: {error}"),
        }
    }
}

fn tell_ndisc(f: &mut fmt::Formatter<'_>, message: &Icmpv6, ndisc: &Ndisc) -> fmt::Result {
    let target = ndisc.target;
    match (message.kind, ndisc.link_address()) {
        (Icmpv6Kind::NeighborSolicitation, _) => write!(f, "ND, who has {target}?"),
        (_, Some(mac)) => write!(f, "ND, {target} is at {mac}"),
        (_, None) => write!(f, "ND, {target} is there"),
    }
}

impl fmt::Display for Icmp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            IcmpKind::EchoRequest { id, sequence } => write!(f, "ping {id}/{sequence}"),
            IcmpKind::EchoReply { id, sequence } => write!(f, "answer to ping {id}/{sequence}"),
            IcmpKind::FragmentationNeeded { mtu } => write!(f, "ICMP, too big: {mtu} would fit"),
            IcmpKind::Other { kind, code, .. } => write!(f, "ICMP type {kind} code {code}"),
        }?;
        write!(f, "{}", Doubt(self.checksum))
    }
}

impl fmt::Display for Icmpv6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Icmpv6Kind::EchoRequest { id, sequence } => write!(f, "ping {id}/{sequence}"),
            Icmpv6Kind::EchoReply { id, sequence } => write!(f, "answer to ping {id}/{sequence}"),
            Icmpv6Kind::PacketTooBig { mtu } => write!(f, "ICMPv6, too big: {mtu} would fit"),
            Icmpv6Kind::NeighborSolicitation => f.write_str("ND solicitation"),
            Icmpv6Kind::NeighborAdvertisement { .. } => f.write_str("ND advertisement"),
            Icmpv6Kind::Other { kind, code, .. } => write!(f, "ICMPv6 type {kind} code {code}"),
        }?;
        write!(f, "{}", Doubt(self.checksum))
    }
}

/// Said only if there is reason to doubt.
struct Doubt(Checksum);

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Checksum::Absent | Checksum::Right => Ok(()),
            Checksum::Wrong(_) => f.write_str(" (checksum not filled in)"),
        }
    }
}
