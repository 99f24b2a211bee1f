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
    /// The sender is not an endpoint that is known of.
    NoSuchSender,
    /// No endpoint of the sender's network has the name.
    NoSuchName,
    /// Endpoints have the name, but none on a host that is up.
    NoHealthyBackend,
    /// No endpoint of the sender's network has the address.
    UnknownAddress,
    /// No host owns the MAC address.
    NoHome,
    /// The packet does not fit the underlay.
    TooBig,
    /// The host is down or cut off.
    HostUnreachable,
    /// The outer sender is not a member.
    UnknownPeer,
    /// The receiving host takes no part in the network.
    UnknownVni,
    /// The outer sender does not own the inner sender.
    NotOwner,
    /// Not allowed.
    Policy,
    /// The endpoint is not on the receiving host.
    NoPort,
}

impl Reason {
    /// All reasons, in travel order.
    pub const ALL: [Self; 12] = [
        Self::NoSuchSender,
        Self::NoSuchName,
        Self::NoHealthyBackend,
        Self::UnknownAddress,
        Self::NoHome,
        Self::TooBig,
        Self::HostUnreachable,
        Self::UnknownPeer,
        Self::UnknownVni,
        Self::NotOwner,
        Self::Policy,
        Self::NoPort,
    ];

    /// The hop at which packets are dropped for it.
    #[must_use]
    pub const fn hop(self) -> Hop {
        match self {
            Self::NoSuchSender | Self::NoSuchName | Self::NoHealthyBackend => Hop::Lookup,
            Self::UnknownAddress => Hop::Neighbor,
            Self::NoHome | Self::TooBig => Hop::Encap,
            Self::HostUnreachable => Hop::Underlay,
            Self::UnknownPeer | Self::UnknownVni | Self::NotOwner => Hop::Decap,
            Self::Policy | Self::NoPort => Hop::Deliver,
        }
    }

    /// The word in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoSuchSender => "no_such_sender",
            Self::NoSuchName => "no_such_name",
            Self::NoHealthyBackend => "no_healthy_backend",
            Self::UnknownAddress => "unknown_address",
            Self::NoHome => "no_home",
            Self::TooBig => "too_big",
            Self::HostUnreachable => "host_unreachable",
            Self::UnknownPeer => "unknown_peer",
            Self::UnknownVni => "unknown_vni",
            Self::NotOwner => "not_owner",
            Self::Policy => "policy",
            Self::NoPort => "no_port",
        }
    }

    /// What a person should try.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
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
            Self::UnknownPeer => {
                "a host must join before its packets are accepted, and from the address it \
                 joined with: see `weft node ls`"
            }
            Self::UnknownVni => "nothing on that host is attached to the network",
            Self::NotOwner => {
                "a host speaks only for its own endpoints: if the container has just moved, wait \
                 a second; else something on the sending host forges MAC addresses"
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
