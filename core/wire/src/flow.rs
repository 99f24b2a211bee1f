//! Whose packet with whom: what packets of one conversation have in common.

use std::fmt;
use std::net::IpAddr;

use crate::{Content, Decoded, Ip, Protocol, Transport};

/// One direction of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    /// Who sends.
    pub source: IpAddr,
    /// Who is sent to.
    pub destination: IpAddr,
    /// The protocol's number.
    pub protocol: u8,
    /// The ports, where the protocol has any and the packet is no later fragment.
    pub ports: Option<(u16, u16)>,
}

impl Flow {
    /// The flow that a frame is of; nothing if it is not IP.
    #[must_use]
    pub fn of(frame: &Decoded) -> Option<Self> {
        let Content::Ip(ip, transport) = &frame.content else { return None };
        let protocol = match ip {
            Ip::V4(ip) => ip.protocol,
            Ip::V6(ip) => ip.next_header,
        };
        let ports = match transport {
            Transport::Udp(udp, _) | Transport::Vxlan(udp, _, _) => {
                Some((udp.source_port, udp.destination_port))
            }
            Transport::Tcp(tcp, _) => Some((tcp.source_port, tcp.destination_port)),
            _ => None,
        };
        let (source, destination) = (ip.source(), ip.destination());
        Some(Self { source, destination, protocol: protocol.number(), ports })
    }

    /// The protocol, as people call it.
    #[must_use]
    pub fn protocol_name(&self) -> String {
        match Protocol::from(self.protocol) {
            Protocol::Tcp => "tcp".to_owned(),
            Protocol::Udp => "udp".to_owned(),
            Protocol::Icmp | Protocol::Icmpv6 => "icmp".to_owned(),
            Protocol::Other(number) => format!("ip-{number}"),
        }
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, destination, .. } = self;
        let name = self.protocol_name();
        match self.ports {
            Some((from, to)) => write!(f, "{name} {source} {from} > {destination} {to}"),
            None => write!(f, "{name} {source} > {destination}"),
        }
    }
}
