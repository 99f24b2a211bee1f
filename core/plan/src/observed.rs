//! What a dump of the kernel showed, with whatever is wrong in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use weft_model::{MacAddr, Mtu, Vni, Vtep};

use crate::{
    Desired, Egress, Engine, FirewallSeen, Flaw, GateSeen, IfName, PassageSeen, Port, Segment,
};

/// Everything of Weft's that one host's kernel holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// All namespaces `weft-<vni>`, whole or half-made.
    pub segments: BTreeMap<Vni, SegmentSeen>,
    /// Networks that programs carry, or of which ports stand in the host's namespace.
    pub woven: BTreeMap<Vni, WovenSeen>,
    /// The VXLAN device of all these networks.
    pub shared: Option<SharedSeen>,
    /// The table `inet weft`.
    pub firewall: FirewallSeen,
    /// The guard's programs.
    pub gate: GateSeen,
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

/// One network as the programs have it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WovenSeen {
    /// What is wrong with it as a whole.
    pub flaws: BTreeSet<Flaw>,
    /// Its ports in the host's namespace.
    pub ports: BTreeMap<IfName, LinkSeen>,
    /// Addresses of stations on other hosts.
    pub neighbors: BTreeMap<IpAddr, NeighborSeen>,
    /// Homes of stations on other hosts.
    pub fdb: BTreeMap<MacAddr, FdbSeen>,
}

/// The VXLAN device of all networks that programs carry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedSeen {
    /// Where it sends to, and what it accepts.
    pub udp_port: u16,
    /// What else is wrong with it.
    pub flaws: BTreeSet<Flaw>,
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
    /// The addresses that the guard lets its workload speak with. Nothing if it is no port, or if
    /// the kernel cannot have a guard.
    pub addresses: Option<BTreeSet<IpAddr>>,
    /// Whether the guard lets it send under other addresses too.
    pub forwards: bool,
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

/// An entry of a VXLAN device's forwarding table, and who may send from there as the guard has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FdbSeen {
    /// Permanent, with one destination and nothing else; that host may send from it.
    At(Vtep),
    /// Of a form that Weft never makes: aging, several destinations, an own port or VNI, another
    /// host or none in the guard's table.
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
        let addresses = Some(port.addresses.clone());
        let (stations, forwards) = (BTreeSet::from([port.mac]), port.forwards);
        Self { stations, addresses, forwards, ..Self::sound(mtu) }
    }
}

impl From<&Desired> for Observed {
    /// What a dump shows when all is as desired, in a kernel that can have it all, on a host where
    /// Docker filters nothing.
    fn from(desired: &Desired) -> Self {
        let bridged = desired.segments.values().filter(|_| desired.engine == Engine::Bridge);
        let woven = desired.segments.values().filter(|_| desired.engine == Engine::Bpf);
        let woven: BTreeMap<_, _> =
            woven.map(|segment| (segment.vni, WovenSeen::from(segment))).collect();
        let udp_port = desired.guard.udp_port;
        let shared = SharedSeen { udp_port, ..SharedSeen::default() };
        Self {
            segments: bridged.map(|segment| (segment.vni, segment.into())).collect(),
            shared: (!woven.is_empty()).then_some(shared),
            woven,
            firewall: FirewallSeen::Holds(desired.firewall()),
            gate: GateSeen::whole(desired.gate()),
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
            neighbors: neighbors_seen(segment),
            fdb: fdb_seen(segment),
        }
    }
}

impl From<&Segment> for WovenSeen {
    fn from(segment: &Segment) -> Self {
        Self {
            flaws: BTreeSet::new(),
            ports: ports_seen(&segment.ports, segment.mtu),
            neighbors: neighbors_seen(segment),
            fdb: fdb_seen(segment),
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

fn neighbors_seen(segment: &Segment) -> BTreeMap<IpAddr, NeighborSeen> {
    let rows = segment.neighbors.iter();
    rows.map(|(&address, &mac)| (address, NeighborSeen::Permanent(mac))).collect()
}

fn fdb_seen(segment: &Segment) -> BTreeMap<MacAddr, FdbSeen> {
    segment.fdb.iter().map(|(&mac, &vtep)| (mac, FdbSeen::At(vtep))).collect()
}

fn ports_seen(ports: &BTreeMap<IfName, Port>, mtu: Mtu) -> BTreeMap<IfName, LinkSeen> {
    ports.iter().map(|(name, port)| (name.clone(), LinkSeen::port(mtu, port))).collect()
}
