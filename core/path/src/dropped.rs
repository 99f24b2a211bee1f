//! Why a packet does not arrive.

use std::fmt;

use serde::{Deserialize, Serialize};
use weft_model::Hop;

/// The end of a packet's journey before its destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Where it ended.
    pub hop: Hop,
    /// Why, in one word.
    pub reason: Reason,
    /// Why, in a sentence with names and addresses.
    pub told: String,
    /// What to try.
    pub hint: String,
}

/// The reasons, each of one hop: the label `reason` of `weft_path_drops_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The asker has asked more than its share.
    TooManyQueries,
    /// The sender is not an endpoint that is known of.
    NoSuchSender,
    /// No endpoint of the sender's network has the name.
    NoSuchName,
    /// Endpoints have the name, but none on a host that is up.
    NoHealthyBackend,
    /// No endpoint of the sender's network has the address.
    UnknownAddress,
    /// A frame left its workload under a MAC address that is not the workload's, or VLAN-tagged.
    SpoofedMac,
    /// A packet left its workload under an IP address that is not the workload's.
    SpoofedAddress,
    /// An ARP message claims an address that is not its sender's.
    SpoofedArp,
    /// A neighbor discovery message claims an address that is not its sender's, or redirects.
    SpoofedNd,
    /// A workload calls itself a router.
    RouterAdvertisement,
    /// A workload answers as a DHCP server.
    DhcpServer,
    /// IPv6, on a network that has none.
    Ipv6Off,
    /// No host owns the MAC address.
    NoHome,
    /// The packet does not fit the underlay.
    TooBig,
    /// The host is down or cut off.
    HostUnreachable,
    /// VXLAN that came in by an interface of workloads.
    NotUnderlay,
    /// VXLAN in fragments, whose rest nobody could judge.
    Fragment,
    /// A VXLAN header with other flags than RFC 7348 allows, or one that is cut off.
    BadHeader,
    /// The outer sender is not a member.
    UnknownPeer,
    /// The receiving host takes no part in the network.
    UnknownVni,
    /// The outer sender does not own the inner sender.
    NotOwner,
    /// A workload spoke to a port of its host's agent.
    ControlPort,
    /// Not allowed.
    Policy,
    /// The endpoint is not on the receiving host.
    NoPort,
}

impl Reason {
    /// All reasons, in travel order.
    pub const ALL: [Self; 24] = [
        Self::TooManyQueries,
        Self::NoSuchSender,
        Self::NoSuchName,
        Self::NoHealthyBackend,
        Self::UnknownAddress,
        Self::SpoofedMac,
        Self::SpoofedAddress,
        Self::SpoofedArp,
        Self::SpoofedNd,
        Self::RouterAdvertisement,
        Self::DhcpServer,
        Self::Ipv6Off,
        Self::NoHome,
        Self::TooBig,
        Self::HostUnreachable,
        Self::NotUnderlay,
        Self::Fragment,
        Self::BadHeader,
        Self::UnknownPeer,
        Self::UnknownVni,
        Self::NotOwner,
        Self::ControlPort,
        Self::Policy,
        Self::NoPort,
    ];

    /// The hop at which packets are dropped for it.
    #[must_use]
    pub const fn hop(self) -> Hop {
        match self {
            Self::TooManyQueries
            | Self::NoSuchSender
            | Self::NoSuchName
            | Self::NoHealthyBackend => Hop::Lookup,
            Self::UnknownAddress
            | Self::SpoofedMac
            | Self::SpoofedAddress
            | Self::SpoofedArp
            | Self::SpoofedNd
            | Self::RouterAdvertisement
            | Self::DhcpServer
            | Self::Ipv6Off => Hop::Neighbor,
            Self::NoHome | Self::TooBig => Hop::Encap,
            Self::HostUnreachable => Hop::Underlay,
            Self::NotUnderlay
            | Self::Fragment
            | Self::BadHeader
            | Self::UnknownPeer
            | Self::UnknownVni
            | Self::NotOwner => Hop::Decap,
            Self::ControlPort | Self::Policy | Self::NoPort => Hop::Deliver,
        }
    }

    /// The word in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TooManyQueries => "too_many_queries",
            Self::NoSuchSender => "no_such_sender",
            Self::NoSuchName => "no_such_name",
            Self::NoHealthyBackend => "no_healthy_backend",
            Self::UnknownAddress => "unknown_address",
            Self::SpoofedMac => "spoofed_mac",
            Self::SpoofedAddress => "spoofed_address",
            Self::SpoofedArp => "spoofed_arp",
            Self::SpoofedNd => "spoofed_nd",
            Self::RouterAdvertisement => "router_advertisement",
            Self::DhcpServer => "dhcp_server",
            Self::Ipv6Off => "ipv6_off",
            Self::NoHome => "no_home",
            Self::TooBig => "too_big",
            Self::HostUnreachable => "host_unreachable",
            Self::NotUnderlay => "not_underlay",
            Self::Fragment => "fragment",
            Self::BadHeader => "bad_header",
            Self::UnknownPeer => "unknown_peer",
            Self::UnknownVni => "unknown_vni",
            Self::NotOwner => "not_owner",
            Self::ControlPort => "control_port",
            Self::Policy => "policy",
            Self::NoPort => "no_port",
        }
    }

    /// What a person should try.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table: one sentence a reason")]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::TooManyQueries => {
                "a container asks for names faster than its host answers one: see `weft drops` \
                 for which, and let it keep the answers it gets"
            }
            Self::NoSuchSender => "see `weft endpoint ls` for what is attached",
            Self::NoSuchName => {
                "names work between containers of one network: see `weft endpoint ls` for \
                 names, and attach both containers to the same network"
            }
            Self::NoHealthyBackend => {
                "the name comes back when its host does: see `weft node ls` for hosts that are \
                 down"
            }
            Self::UnknownAddress => {
                "only addresses of endpoints on the sender's network are answered for: see \
                 `weft endpoint ls`; what leaves the cluster goes through the egress bridge"
            }
            Self::SpoofedMac => {
                "a workload sends only from the MAC address that it was given, and without VLAN \
                 tags: see `weft endpoint ls`, and what in the container makes interfaces or \
                 frames of its own"
            }
            Self::SpoofedAddress => {
                "a workload sends only from the addresses that it was given: see `weft endpoint \
                 ls`; a container that routes for others has to masquerade them, or its network \
                 has to allow it: weft network create --opt forwarding=true"
            }
            Self::SpoofedArp | Self::SpoofedNd => {
                "a workload answers only for its own addresses: something in the container \
                 claims another's, a keepalived or an attack"
            }
            Self::RouterAdvertisement => {
                "no workload is a router of its network: stop radvd or the like in the container"
            }
            Self::DhcpServer => {
                "addresses are Weft's to give: stop the DHCP server in the container"
            }
            Self::Ipv6Off => {
                "the network has no IPv6: nothing to do, unless it should: make one with an IPv6 \
                 subnet"
            }
            Self::NoHome => {
                "the endpoint's host is no member any more, or its VTEP is of the other IP \
                 family: see `weft node ls`"
            }
            Self::TooBig => {
                "lower the network's MTU or raise the underlay's: VXLAN takes 50 bytes over IPv4 \
                 and 70 over IPv6"
            }
            Self::HostUnreachable => {
                "see `weft node ls`; ping the other host's VTEP, and let UDP to the VXLAN port \
                 and the control port through firewalls on the way"
            }
            Self::NotUnderlay => {
                "hosts speak VXLAN over the underlay, containers never: look what in a container \
                 of that interface sends to the VXLAN port"
            }
            Self::Fragment => {
                "a tunnel that is fragmented is slow and cannot be checked: lower the MTU of the \
                 sending host, VXLAN takes 50 bytes over IPv4 and 70 over IPv6"
            }
            Self::BadHeader => {
                "someone else's VXLAN dialect (VXLAN-GPE, group policy) comes to this port: find \
                 the sender, or give the cluster another VXLAN port"
            }
            Self::UnknownPeer => {
                "a host must join before its packets are accepted, and from the address it \
                 joined with: see `weft node ls`"
            }
            Self::UnknownVni => "nothing on that host is attached to the network",
            Self::NotOwner => {
                "a host speaks only for its own endpoints: if the container has just moved, wait \
                 a second; else something on the sending host forges MAC addresses"
            }
            Self::ControlPort => {
                "the agent's ports are for other hosts: nothing in a container has business \
                 there, look which one tries"
            }
            Self::Policy => "a rule forbids it",
            Self::NoPort => "the endpoint is gone or moved: look again in a second",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_in_metrics_is_the_word_in_json() {
        for reason in Reason::ALL {
            let json = serde_json::to_string(&reason).unwrap();
            assert_eq!(json, format!("\"{}\"", reason.word()));
        }
    }

    #[test]
    fn every_hop_can_drop() {
        for hop in Hop::ALL {
            assert!(Reason::ALL.iter().any(|reason| reason.hop() == hop), "{hop}");
        }
    }
}
