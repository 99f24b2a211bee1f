//! Overlay networks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{Mtu, Name, NetworkId, Vni};

/// One layer-2 segment that spans hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Never used again after the network is gone.
    pub id: NetworkId,
    /// Absent for the moment between Docker's create call and Docker's telling us the name.
    pub name: Option<Name>,
    /// Tells its frames from other networks' on the wire.
    pub vni: Vni,
    /// One per address family; the first is the main one.
    pub subnets: Vec<Subnet>,
    /// The inner MTU asked for; absent: what the underlay leaves.
    pub mtu: Option<Mtu>,
    /// Without a way out of the cluster, also for questions to the name server.
    pub internal: bool,
    /// Driver options as the user gave them (`-o key=value`).
    pub options: BTreeMap<String, String>,
    /// Docker's labels, mirrored as they are.
    pub labels: BTreeMap<String, String>,
}

/// The option that lets endpoints send what others sent, under their addresses.
const FORWARDING: &str = "forwarding";

impl Network {
    /// Whether its endpoints may forward: routers, hosts of networks of their own.
    #[must_use]
    pub fn forwards(&self) -> bool {
        self.options.get(FORWARDING).is_some_and(|value| value != "false" && value != "0")
    }

    /// The subnet that holds `address`.
    #[must_use]
    pub fn subnet_of(&self, address: IpAddr) -> Option<&Subnet> {
        self.subnets.iter().find(|subnet| subnet.range.contains(&address))
    }
}

/// The addresses of a network, of one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// The whole of it, host bits zero.
    pub range: IpNet,
    /// Given to Docker as the gateway; no endpoint ever has it.
    pub gateway: IpAddr,
    /// Further addresses that no endpoint gets by itself (Docker's `--aux-address`).
    pub reserved: BTreeSet<IpAddr>,
}

/// Why a range cannot be a network's subnet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubnetError {
    /// Host bits are set.
    #[error("subnet {given} has host bits set: did you mean {meant}?")]
    HostBits {
        /// What was asked for.
        given: IpNet,
        /// The same with host bits zero.
        meant: IpNet,
    },
    /// Too small or too large to be divided among nodes.
    #[error("subnet {0} is of no use here: IPv4 prefixes of /8 to /29 are possible")]
    Size(IpNet),
    /// Multicast, loopback, link-local or unspecified.
    #[error(
        "subnet {0} is reserved for another purpose: take one of RFC 1918, such as 10.99.0.0/16"
    )]
    Special(IpNet),
    /// The gateway is no host address of the range.
    #[error("gateway {gateway} is not a host address of subnet {range}")]
    Gateway {
        /// What was asked for.
        gateway: IpAddr,
        /// The subnet.
        range: IpNet,
    },
    /// An address to be kept free is not of the range.
    #[error("reserved address {address} is not in subnet {range}")]
    Reserved {
        /// What was asked for.
        address: IpAddr,
        /// The subnet.
        range: IpNet,
    },
}

impl Subnet {
    /// Checks a range and its special addresses; the gateway defaults to the first host address.
    ///
    /// # Errors
    ///
    /// [`SubnetError`] says what is wrong with them.
    pub fn new(
        range: IpNet,
        gateway: Option<IpAddr>,
        reserved: BTreeSet<IpAddr>,
    ) -> Result<Self, SubnetError> {
        check_range(range)?;
        let first = || range.hosts().find(|address| *address != range.network());
        let gateway = gateway.or_else(first).unwrap_or_else(|| range.addr());
        let host = range.contains(&gateway)
            && gateway != range.network()
            && (gateway != range.broadcast() || gateway.is_ipv6());
        if !host {
            return Err(SubnetError::Gateway { gateway, range });
        }
        if let Some(&address) = reserved.iter().find(|address| !range.contains(*address)) {
            return Err(SubnetError::Reserved { address, range });
        }
        Ok(Self { range, gateway, reserved })
    }

    /// Whether an endpoint may have `address`.
    ///
    /// Not: network and broadcast address, the gateway, what is kept free.
    #[must_use]
    pub fn is_assignable(&self, address: IpAddr) -> bool {
        self.range.contains(&address)
            && address != self.range.network()
            && (address != self.range.broadcast() || address.is_ipv6())
            && address != self.gateway
            && !self.reserved.contains(&address)
    }
}

fn check_range(range: IpNet) -> Result<(), SubnetError> {
    if range.addr() != range.network() {
        return Err(SubnetError::HostBits { given: range, meant: range.trunc() });
    }
    let special = match range.network() {
        IpAddr::V4(v4) => {
            v4.is_multicast()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.octets()[0] == 0
                || v4.octets()[0] >= 240
        }
        IpAddr::V6(v6) => v6.is_multicast() || v6.is_loopback() || v6.is_unspecified(),
    };
    let sized = match range {
        IpNet::V4(v4) => (8..=29).contains(&v4.prefix_len()),
        IpNet::V6(v6) => (32..=120).contains(&v6.prefix_len()),
    };
    match (special, sized) {
        (true, _) => Err(SubnetError::Special(range)),
        (false, false) => Err(SubnetError::Size(range)),
        (false, true) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(range: &str) -> Result<Subnet, SubnetError> {
        Subnet::new(range.parse().unwrap(), None, BTreeSet::new())
    }

    #[test]
    fn the_gateway_is_the_first_host_address_unless_told_otherwise() {
        assert_eq!(subnet("10.7.0.0/16").unwrap().gateway.to_string(), "10.7.0.1");
        assert_eq!(subnet("fd00::/64").unwrap().gateway.to_string(), "fd00::1");
    }

    #[test]
    fn special_addresses_are_not_assignable() {
        let subnet = subnet("10.7.0.0/24").unwrap();
        let assignable = |text: &str| subnet.is_assignable(text.parse().unwrap());
        assert!(assignable("10.7.0.2"));
        for address in ["10.7.0.0", "10.7.0.1", "10.7.0.255", "10.7.1.2"] {
            assert!(!assignable(address), "{address}");
        }
    }

    #[test]
    fn each_rule_has_its_error() {
        let net = |text: &str| text.parse::<IpNet>().unwrap();
        let given = net("10.7.0.1/16");
        assert_eq!(
            subnet("10.7.0.1/16"),
            Err(SubnetError::HostBits { given, meant: given.trunc() })
        );
        assert_eq!(subnet("10.7.0.0/30"), Err(SubnetError::Size(net("10.7.0.0/30"))));
        assert_eq!(subnet("127.0.0.0/16"), Err(SubnetError::Special(net("127.0.0.0/16"))));
        let outside = Subnet::new(net("10.7.0.0/24"), Some([10, 8, 0, 1].into()), BTreeSet::new());
        assert!(matches!(outside, Err(SubnetError::Gateway { .. })));
    }
}
