//! What can be wrong with an interface that is there.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// One way in which an interface is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Flaw {
    /// It is administratively down.
    Down,
    /// It is no port of the bridge it belongs to.
    Detached,
    /// Its MTU is this one.
    Mtu(u32),
    /// It is of another kind: somebody else's, under our name.
    Kind,
    /// It is a port of a bridge, and should be at none.
    Bridged,
    /// It carries another network's number.
    Vni(u32),
    /// Its tunnel begins at this address.
    Local(Option<IpAddr>),
    /// Its tunnel uses this UDP port.
    UdpPort(u16),
    /// Its tunnel is not in the host's own namespace.
    Underlay,
    /// It sends what it does not know to a default destination.
    DefaultRemote,
    /// It answers neither ARP nor neighbour discovery.
    NoProxy,
    /// It has VXLAN extensions or notifications that Weft does not use.
    Extension,
    /// It learns addresses from frames.
    Learning,
    /// It gets frames to unknown stations, or does not get them where it should.
    Flooding,
    /// It reaches other ports of a bridge whose ports are apart.
    NotIsolated,
    /// It takes frames from other stations than those fixed to it.
    Unlocked,
    /// It takes part in the spanning tree.
    SpanningTree,
    /// It filters by VLAN.
    VlanFiltering,
    /// It snoops multicast.
    Snooping,
    /// It delays new ports.
    ForwardDelay,
    /// IPv6 is on where it should be off, or off where neighbour discovery is answered.
    Ipv6,
    /// Its frames go through the packet filter (`bridge-nf-call-*`).
    Netfilter,
    /// The host does not forward between interfaces.
    NoForwarding,
    /// It knows other stations than its own.
    Stations,
    /// What comes in by it passes no guard, or another one than it should.
    Unguarded,
    /// The guard's table of ports lacks it, or has it on another network.
    Unlisted,
    /// Its guard knows other addresses than its own.
    Addresses,
    /// The guard does not let its network in.
    NotServed,
    /// Its broadcasts go to others than its members.
    Audience,
}

impl Flaw {
    /// Whether a VXLAN device with it must be made anew: the kernel cannot change it in place.
    #[must_use]
    pub const fn needs_replacement(&self) -> bool {
        matches!(
            self,
            Self::Kind
                | Self::Vni(_)
                | Self::Local(_)
                | Self::UdpPort(_)
                | Self::Underlay
                | Self::DefaultRemote
                | Self::NoProxy
                | Self::Extension
        )
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down => f.write_str("it is down"),
            Self::Detached => f.write_str("it is no port of its bridge"),
            Self::Mtu(mtu) => write!(f, "its MTU is {mtu}"),
            Self::Bridged => f.write_str("it is a port of a bridge"),
            Self::Kind => f.write_str("it is an interface of another kind"),
            Self::Vni(vni) => write!(f, "its VNI is {vni}"),
            Self::Local(Some(local)) => write!(f, "its local address is {local}"),
            Self::Local(None) => f.write_str("it has no local address"),
            Self::UdpPort(port) => write!(f, "its UDP port is {port}"),
            Self::Underlay => f.write_str("its tunnel is not in the host's namespace"),
            Self::DefaultRemote => f.write_str("it has a default destination"),
            Self::NoProxy => f.write_str("it does not answer ARP"),
            Self::Extension => f.write_str("it has options that Weft does not use"),
            Self::Learning => f.write_str("learning is on"),
            Self::Flooding => f.write_str("its flooding of unknown stations is wrong"),
            Self::NotIsolated => f.write_str("it is not isolated"),
            Self::Unlocked => f.write_str("it takes frames from any station"),
            Self::SpanningTree => f.write_str("the spanning tree protocol is on"),
            Self::VlanFiltering => f.write_str("VLAN filtering is on"),
            Self::Snooping => f.write_str("multicast snooping is on"),
            Self::ForwardDelay => f.write_str("its forward delay is not zero"),
            Self::Ipv6 => f.write_str("its IPv6 setting is wrong"),
            Self::Netfilter => f.write_str("its frames go through the packet filter"),
            Self::NoForwarding => f.write_str("IP forwarding is off"),
            Self::Stations => f.write_str("other stations are fixed to it"),
            Self::Unguarded => f.write_str("what comes in by it is not guarded"),
            Self::Unlisted => f.write_str("the guard's table of ports lacks it"),
            Self::Addresses => f.write_str("its guard knows other addresses than its own"),
            Self::Audience => f.write_str("its broadcasts go to others than its members"),
            Self::NotServed => f.write_str("the guard does not let its network in"),
        }
    }
}
