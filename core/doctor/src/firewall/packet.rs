//! The packet that is walked through the rules.

use std::fmt;
use std::net::IpAddr;

/// The first packet of a conversation, at one of the places where rules may stop it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Where it meets rules.
    pub way: Way,
    /// From whom.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// What it carries.
    pub carries: Carries,
}

/// Where a packet meets rules: coming into a namespace, leaving it, or crossing a bridge in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// It comes in by this interface, for the namespace itself.
    In(String),
    /// It leaves by this interface, and is of the namespace itself.
    Out(String),
    /// It crosses a bridge.
    Across {
        /// From this port.
        from: String,
        /// To this one.
        to: String,
    },
}

/// A packet's upper protocol, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// UDP, to a port if that is known.
    Udp(Option<u16>),
    /// TCP, likewise.
    Tcp(Option<u16>),
    /// An echo request.
    Echo,
}

/// What is known of one property of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// A word, such as an interface's name.
    Word(String),
    /// An address.
    Address(IpAddr),
    /// A number, such as a port.
    Number(u64),
}

impl Packet {
    /// A field of a header, such as `udp dport`.
    pub(super) fn field(&self, protocol: &str, field: &str) -> Option<Known> {
        let family = if self.source.is_ipv4() { "ip" } else { "ip6" };
        match (protocol, field) {
            (p, "saddr") if p == family => Some(Known::Address(self.source)),
            (p, "daddr") if p == family => Some(Known::Address(self.destination)),
            ("ip", "protocol") | ("ip6", "nexthdr") => {
                Some(Known::Word(self.protocol().to_owned()))
            }
            ("udp" | "tcp" | "th", "dport") => Some(Known::Number(self.port()?.into())),
            ("icmp" | "icmpv6", "type") => Some(Known::Word("echo-request".to_owned())),
            _ => None,
        }
    }

    /// What the kernel keeps with it, such as `iifname`.
    pub(super) fn meta(&self, key: &str) -> Option<Known> {
        let word = |text: &str| Some(Known::Word(text.to_owned()));
        match key {
            "iifname" | "iif" => word(self.way.from()?),
            "oifname" | "oif" => word(self.way.to()?),
            "l4proto" => word(self.protocol()),
            "nfproto" => word(if self.source.is_ipv4() { "ipv4" } else { "ipv6" }),
            "protocol" => word(if self.source.is_ipv4() { "ip" } else { "ip6" }),
            "mark" => Some(Known::Number(0)),
            _ => None,
        }
    }

    /// Whether a header that it does not have is asked for: such a match never applies.
    pub(super) fn lacks(&self, protocol: &str) -> bool {
        let other = if self.source.is_ipv4() { "ip6" } else { "ip" };
        let upper = matches!(
            protocol,
            "udp" | "udplite" | "tcp" | "icmp" | "icmpv6" | "sctp" | "dccp" | "arp" | "vlan"
        );
        protocol == other || (upper && protocol != self.protocol())
    }

    /// The port that it is for, if it has one that is known.
    pub(super) const fn port(&self) -> Option<u16> {
        match self.carries {
            Carries::Udp(port) | Carries::Tcp(port) => port,
            Carries::Echo => None,
        }
    }

    /// Its upper protocol's word in rules.
    pub(super) const fn protocol(&self) -> &'static str {
        match (self.carries, self.source) {
            (Carries::Udp(_), _) => "udp",
            (Carries::Tcp(_), _) => "tcp",
            (Carries::Echo, IpAddr::V4(_)) => "icmp",
            (Carries::Echo, IpAddr::V6(_)) => "icmpv6",
        }
    }
}

impl Way {
    /// The interface that it comes in by.
    pub(super) fn from(&self) -> Option<&str> {
        match self {
            Self::In(device) | Self::Across { from: device, .. } => Some(device),
            Self::Out(_) => None,
        }
    }

    /// The interface that it leaves by.
    pub(super) fn to(&self) -> Option<&str> {
        match self {
            Self::Out(device) | Self::Across { to: device, .. } => Some(device),
            Self::In(_) => None,
        }
    }

    /// Whether a base chain of this family at this hook, of one device or of all, is on the way.
    pub(super) fn meets(&self, ip: &str, (family, hook): (&str, &str), device: Device<'_>) -> bool {
        let routed = family == "inet" || family == ip;
        match (self, hook) {
            (Self::In(_), "prerouting" | "input") | (Self::Out(_), "output" | "postrouting") => {
                routed
            }
            (Self::Across { .. }, "prerouting" | "forward" | "postrouting") => family == "bridge",
            (_, "ingress") => self.from().is_some_and(device),
            (_, "egress") => self.to().is_some_and(device),
            _ => false,
        }
    }
}

/// Whether a chain is of an interface.
pub(super) type Device<'a> = &'a dyn Fn(&str) -> bool;

impl fmt::Display for Carries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(Some(port)) => write!(f, "UDP {port}"),
            Self::Tcp(Some(port)) => write!(f, "TCP {port}"),
            Self::Udp(None) => f.write_str("UDP"),
            Self::Tcp(None) => f.write_str("TCP"),
            Self::Echo => f.write_str("ICMP echo"),
        }
    }
}
