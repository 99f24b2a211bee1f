//! A whole frame, from the outermost Ethernet header inwards.

use std::net::IpAddr;

use weft_model::DEFAULT_VXLAN_PORT;

use crate::{
    Arp, EtherType, Ethernet, Icmp, Icmpv6, Icmpv6Kind, Ipv4, Ipv6, Ndisc, ParseError, Protocol,
    Tcp, Udp, Vxlan,
};

/// A frame that was walked as far as it could be.
///
/// Only the outermost header must be whole: what cannot be read further inside is
/// [`Content::Broken`] or [`Transport::Broken`], so that a capture can still be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The frame's own header.
    pub ethernet: Ethernet,
    /// What it carries.
    pub content: Content,
}

/// What a frame carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// An ARP packet.
    Arp(Arp),
    /// An IP packet.
    Ip(Ip, Transport),
    /// All else.
    Other {
        /// Its length in bytes.
        length: usize,
    },
    /// What the header announced is not there.
    Broken(ParseError),
}

/// An IP header of either version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ip {
    /// RFC 791.
    V4(Ipv4),
    /// RFC 8200.
    V6(Ipv6),
}

/// What an IP packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A frame in a frame.
    Vxlan(Udp, Vxlan, Box<Decoded>),
    /// A UDP datagram and the length of its payload.
    Udp(Udp, usize),
    /// A TCP segment and the length of its payload.
    Tcp(Tcp, usize),
    /// An ICMP message and the length of its payload.
    Icmp(Icmp, usize),
    /// An `ICMPv6` message and the length of its payload.
    Icmpv6(Icmpv6, usize),
    /// A neighbour solicitation or advertisement.
    Ndisc(Icmpv6, Ndisc),
    /// A later part of a datagram; its first part has the ports.
    Fragment(Protocol, usize),
    /// All else.
    Other(Protocol, usize),
    /// What the header announced is not there.
    Broken(ParseError),
}

impl Ip {
    /// Who sent it.
    #[must_use]
    pub const fn source(&self) -> IpAddr {
        match self {
            Self::V4(ip) => IpAddr::V4(ip.source),
            Self::V6(ip) => IpAddr::V6(ip.source),
        }
    }

    /// Who it is for.
    #[must_use]
    pub const fn destination(&self) -> IpAddr {
        match self {
            Self::V4(ip) => IpAddr::V4(ip.destination),
            Self::V6(ip) => IpAddr::V6(ip.destination),
        }
    }
}

impl Decoded {
    /// Walks a frame; UDP to VXLAN's own port is VXLAN.
    ///
    /// # Errors
    ///
    /// [`ParseError::Truncated`] if the outermost Ethernet header is cut off.
    pub fn parse(frame: &[u8]) -> Result<Self, ParseError> {
        Self::with_vxlan_port(frame, DEFAULT_VXLAN_PORT)
    }

    /// Walks a frame of a cluster that uses another port for VXLAN.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`].
    pub fn with_vxlan_port(frame: &[u8], port: u16) -> Result<Self, ParseError> {
        parse_frame(frame, Some(port))
    }

    /// The outer IP header, the VXLAN header and the inner frame, if it is VXLAN.
    #[must_use]
    pub const fn vxlan(&self) -> Option<(&Ip, &Udp, Vxlan, &Self)> {
        match &self.content {
            Content::Ip(ip, Transport::Vxlan(udp, vxlan, inner)) => Some((ip, udp, *vxlan, inner)),
            _ => None,
        }
    }

    /// The innermost frame: what a container sent.
    #[must_use]
    pub fn innermost(&self) -> &Self {
        self.vxlan().map_or(self, |(_, _, _, inner)| inner)
    }
}

/// `vxlan` is the port on which a frame may be inside; one level deep, so that bytes cannot nest
/// without end.
fn parse_frame(frame: &[u8], vxlan: Option<u16>) -> Result<Decoded, ParseError> {
    let (ethernet, payload) = Ethernet::parse(frame)?;
    let content = parse_content(ethernet.ethertype, payload, vxlan);
    Ok(Decoded { ethernet, content: content.unwrap_or_else(Content::Broken) })
}

fn parse_content(
    ethertype: EtherType,
    payload: &[u8],
    vxlan: Option<u16>,
) -> Result<Content, ParseError> {
    match ethertype {
        EtherType::Arp => Arp::parse(payload).map(Content::Arp),
        EtherType::Ipv4 => {
            let (ip, payload) = Ipv4::parse(payload)?;
            let part = ip.fragment.is_part();
            let transport = parse_transport(&Ip::V4(ip.clone()), part, payload, vxlan);
            Ok(Content::Ip(Ip::V4(ip), transport.unwrap_or_else(Transport::Broken)))
        }
        EtherType::Ipv6 => {
            let (ip, payload) = Ipv6::parse(payload)?;
            let transport = parse_transport(&Ip::V6(ip), false, payload, vxlan);
            Ok(Content::Ip(Ip::V6(ip), transport.unwrap_or_else(Transport::Broken)))
        }
        EtherType::Other(_) => Ok(Content::Other { length: payload.len() }),
    }
}

fn parse_transport(
    ip: &Ip,
    part: bool,
    bytes: &[u8],
    vxlan: Option<u16>,
) -> Result<Transport, ParseError> {
    let (protocol, ends) = match ip {
        Ip::V4(ip) => (ip.protocol, ip.ends()),
        Ip::V6(ip) => (ip.next_header, ip.ends()),
    };
    match protocol {
        _ if part => Ok(Transport::Fragment(protocol, bytes.len())),
        Protocol::Udp => {
            let (udp, payload) = Udp::parse(bytes, ends)?;
            parse_datagram(udp, payload, vxlan)
        }
        Protocol::Tcp => {
            Tcp::parse(bytes, ends).map(|(tcp, payload)| Transport::Tcp(tcp, payload.len()))
        }
        Protocol::Icmp => {
            Icmp::parse(bytes).map(|(icmp, payload)| Transport::Icmp(icmp, payload.len()))
        }
        Protocol::Icmpv6 => Icmpv6::parse(bytes, ends).and_then(|(m, body)| parse_icmpv6(m, body)),
        Protocol::Other(_) => Ok(Transport::Other(protocol, bytes.len())),
    }
}

fn parse_datagram(udp: Udp, payload: &[u8], vxlan: Option<u16>) -> Result<Transport, ParseError> {
    if vxlan != Some(udp.destination_port) {
        return Ok(Transport::Udp(udp, payload.len()));
    }
    let (header, frame) = Vxlan::parse(payload)?;
    Ok(Transport::Vxlan(udp, header, Box::new(parse_frame(frame, None)?)))
}

fn parse_icmpv6(message: Icmpv6, body: &[u8]) -> Result<Transport, ParseError> {
    match message.kind {
        Icmpv6Kind::NeighborSolicitation | Icmpv6Kind::NeighborAdvertisement { .. } => {
            Ndisc::parse(body).map(|ndisc| Transport::Ndisc(message, ndisc))
        }
        Icmpv6Kind::EchoRequest { .. }
        | Icmpv6Kind::EchoReply { .. }
        | Icmpv6Kind::PacketTooBig { .. }
        | Icmpv6Kind::Other { .. } => Ok(Transport::Icmpv6(message, body.len())),
    }
}
