//! What a dump of the kernel showed, with whatever is wrong in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use weft_model::{MacAddr, Mtu, Vni, Vtep};

use crate::{Desired, Egress, FirewallSeen, Flaw, IfName, PassageSeen, Port, Segment};

/// Everything of Weft's that one host's kernel holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// All namespaces `weft-<vni>`, whole or half-made.
    pub segments: BTreeMap<Vni, SegmentSeen>,
    /// The table `inet weft`.
    pub firewall: FirewallSeen,
    /// The egress bridge, if there is one.
    pub egress: Option<EgressSeen>,
    /// What is Weft's in Docker's packet filter.
    pub passage: PassageSeen,
}

/// One namespace `weft-<vni>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentSeen {
    /// Whether there is more of it than a name.
    pub namespace: NamespaceSeen,
    /// `br0`.
    pub bridge: Option<LinkSeen>,
    /// `vx0`.
    pub vxlan: Option<VxlanSeen>,
    /// Every other port of `br0`, and everything that is named like a port.
    pub ports: BTreeMap<IfName, LinkSeen>,
    /// The neighbour table of `vx0`.
    pub neighbors: BTreeMap<IpAddr, NeighborSeen>,
    /// The forwarding table of `vx0`.
    pub fdb: BTreeMap<MacAddr, FdbSeen>,
}

/// Whether a name in the directory of namespaces leads to one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NamespaceSeen {
    /// It does.
    #[default]
    Alive,
    /// An empty file: its maker died half-way, or somebody unmounted it.
    Dead,
}

/// An interface of Weft's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSeen {
    /// Its MTU.
    pub mtu: u32,
    /// What else is wrong with it.
    pub flaws: BTreeSet<Flaw>,
    /// The stations that the bridge was told to find behind it.
    pub stations: BTreeSet<MacAddr>,
}

/// A VXLAN device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VxlanSeen {
    /// As a port of the bridge.
    pub link: LinkSeen,
    /// Where its tunnel begins.
    pub local: Option<IpAddr>,
    /// Where it sends to.
    pub udp_port: u16,
}

/// An entry of a neighbour table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NeighborSeen {
    /// Stays until it is removed.
    Permanent(MacAddr),
    /// Ages; Weft never makes such an entry.
    Aging,
}

/// An entry of a VXLAN device's forwarding table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FdbSeen {
    /// Permanent, with one destination and nothing else.
    At(Vtep),
    /// Of a form that Weft never makes: aging, several destinations, an own port or VNI.
    Foreign,
}

/// The egress bridge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressSeen {
    /// The bridge itself.
    pub bridge: LinkSeen,
    /// Its addresses, link-local ones not counted.
    pub addresses: BTreeSet<IpNet>,
    /// Its ports.
    pub ports: BTreeMap<IfName, LinkSeen>,
}

impl LinkSeen {
    /// An interface as it should be.
    #[must_use]
    pub fn sound(mtu: Mtu) -> Self {
        Self { mtu: mtu.into(), ..Self::default() }
    }

    /// A port as it should be.
    #[must_use]
    pub fn port(mtu: Mtu, port: &Port) -> Self {
        Self { stations: BTreeSet::from([port.mac]), ..Self::sound(mtu) }
    }
}

impl From<&Desired> for Observed {
    /// What a dump shows when all is as desired, on a host where Docker filters nothing.
    fn from(desired: &Desired) -> Self {
        let segments = desired.segments.iter().map(|(&vni, segment)| (vni, segment.into()));
        Self {
            segments: segments.collect(),
            firewall: FirewallSeen::Holds(desired.firewall()),
            egress: desired.egress.as_ref().map(EgressSeen::from),
            passage: PassageSeen::NoChain,
        }
    }
}

impl From<&Segment> for SegmentSeen {
    fn from(segment: &Segment) -> Self {
        let link = LinkSeen::sound(segment.mtu);
        Self {
            namespace: NamespaceSeen::Alive,
            bridge: Some(link.clone()),
            vxlan: Some(VxlanSeen {
                link,
                local: Some(segment.local.0),
                udp_port: segment.udp_port,
            }),
            ports: ports_seen(&segment.ports, segment.mtu),
            neighbors: segment
                .neighbors
                .iter()
                .map(|(&address, &mac)| (address, NeighborSeen::Permanent(mac)))
                .collect(),
            fdb: segment.fdb.iter().map(|(&mac, &vtep)| (mac, FdbSeen::At(vtep))).collect(),
        }
    }
}

impl From<&Egress> for EgressSeen {
    fn from(egress: &Egress) -> Self {
        Self {
            bridge: LinkSeen::sound(Mtu::ETHERNET),
            addresses: BTreeSet::from([egress.address]),
            ports: ports_seen(&egress.ports, Mtu::ETHERNET),
        }
    }
}

fn ports_seen(ports: &BTreeMap<IfName, Port>, mtu: Mtu) -> BTreeMap<IfName, LinkSeen> {
    ports.iter().map(|(name, port)| (name.clone(), LinkSeen::port(mtu, port))).collect()
}
