//! One step from what is to what should be.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use weft_model::{MacAddr, Mtu, Vni, Vtep};

use crate::{Engine, Firewall, Flaw, Gate, IfName, Port};

/// Where an interface is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Place {
    /// In the namespace `weft-<vni>`.
    Segment(Vni),
    /// In the host's namespace, at no bridge: programs carry the network.
    Host(Vni),
    /// In the host's namespace, at the egress bridge.
    Egress,
}

/// What is fixed when a VXLAN device is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// The network's number.
    pub vni: Vni,
    /// This host's tunnel end point.
    pub local: Vtep,
    /// Where VXLAN is sent to and accepted.
    pub udp_port: u16,
    /// The inner MTU.
    pub mtu: Mtu,
}

/// One step. Each replaces whatever stands under its key, so that doing it twice is harmless.
#[expect(missing_docs, reason = "the fields are the nouns of their variant's sentence")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Writes the table `inet weft`, all of it at once.
    SetFirewall(Firewall),
    /// Removes the table.
    RemoveFirewall,
    /// Puts the guard's programs at every interface of the host, and tells them what to let in.
    SetGate(Gate),
    /// Removes the programs and what they counted.
    RemoveGate,
    /// Makes the namespace `weft-<vni>`.
    AddNamespace(Vni),
    /// Makes a bridge.
    AddBridge { place: Place, mtu: Mtu },
    /// Mends a bridge's settings.
    SetBridge { place: Place, mtu: Mtu, flaws: BTreeSet<Flaw> },
    /// Makes `vx0`, a port of `br0`.
    AddVxlan(Tunnel),
    /// Makes `vx0` anew. Its tables are empty then.
    ReplaceVxlan { tunnel: Tunnel, flaws: BTreeSet<Flaw> },
    /// Mends what can be mended of `vx0` in place; `stray` stations are taken from it.
    SetVxlan { tunnel: Tunnel, flaws: BTreeSet<Flaw>, stray: BTreeSet<MacAddr> },
    /// Makes the VXLAN device of all networks that programs carry, or makes it anew.
    SetShared { udp_port: u16, flaws: BTreeSet<Flaw> },
    /// Removes it.
    RemoveShared,
    /// Lets a network in that programs carry.
    Weave(Vni),
    /// Forgets such a network, and removes its ports.
    Unweave(Vni),
    /// Makes a veth pair, one end a port, the other in the host's namespace.
    AddPort { place: Place, name: IfName, port: Port, mtu: Mtu },
    /// Mends a port; `stray` stations are taken from it.
    SetPort {
        place: Place,
        name: IfName,
        port: Port,
        mtu: Mtu,
        flaws: BTreeSet<Flaw>,
        stray: BTreeSet<MacAddr>,
    },
    /// Moves a port to another engine's place. The workload's end stays where it is.
    MovePort { from: Place, place: Place, name: IfName, port: Port, mtu: Mtu },
    /// Removes a port, and so the pair.
    RemovePort { place: Place, name: IfName },
    /// Says where a station's home is.
    SetFdb { engine: Engine, vni: Vni, mac: MacAddr, vtep: Vtep },
    /// Forgets a station.
    RemoveFdb { engine: Engine, vni: Vni, mac: MacAddr },
    /// Says which station has an address.
    SetNeighbor { engine: Engine, vni: Vni, address: IpAddr, mac: MacAddr },
    /// Forgets an address.
    RemoveNeighbor { engine: Engine, vni: Vni, address: IpAddr },
    /// Removes the namespace `weft-<vni>` and all in it.
    RemoveSegment(Vni),
    /// Gives the egress bridge an address.
    AddAddress(IpNet),
    /// Takes an address from the egress bridge.
    RemoveAddress(IpNet),
    /// Removes the egress bridge and its ports.
    RemoveEgress,
    /// Lets this bridge's traffic through Docker's packet filter; replaces what is there of Weft's.
    OpenPassage(IfName),
    /// Takes Weft's rules out of Docker's packet filter.
    ShutPassage,
}

impl Engine {
    /// Where an engine has its ports of a network.
    #[must_use]
    pub const fn place(self, vni: Vni) -> Place {
        match self {
            Self::Bridge => Place::Segment(vni),
            Self::Bpf => Place::Host(vni),
        }
    }
}

impl Change {
    /// The network it belongs to, if it belongs to one.
    #[must_use]
    pub const fn vni(&self) -> Option<Vni> {
        match self {
            Self::AddNamespace(vni)
            | Self::RemoveSegment(vni)
            | Self::SetFdb { vni, .. }
            | Self::RemoveFdb { vni, .. }
            | Self::SetNeighbor { vni, .. }
            | Self::RemoveNeighbor { vni, .. }
            | Self::AddVxlan(Tunnel { vni, .. })
            | Self::ReplaceVxlan { tunnel: Tunnel { vni, .. }, .. }
            | Self::SetVxlan { tunnel: Tunnel { vni, .. }, .. }
            | Self::AddBridge { place: Place::Segment(vni), .. }
            | Self::SetBridge { place: Place::Segment(vni), .. }
            | Self::Weave(vni)
            | Self::Unweave(vni)
            | Self::AddBridge { place: Place::Host(vni), .. }
            | Self::SetBridge { place: Place::Host(vni), .. }
            | Self::AddPort { place: Place::Segment(vni) | Place::Host(vni), .. }
            | Self::SetPort { place: Place::Segment(vni) | Place::Host(vni), .. }
            | Self::MovePort { place: Place::Segment(vni) | Place::Host(vni), .. }
            | Self::RemovePort { place: Place::Segment(vni) | Place::Host(vni), .. } => Some(*vni),
            Self::SetFirewall(_)
            | Self::RemoveFirewall
            | Self::SetGate(_)
            | Self::RemoveGate
            | Self::AddBridge { place: Place::Egress, .. }
            | Self::SetBridge { place: Place::Egress, .. }
            | Self::AddPort { place: Place::Egress, .. }
            | Self::SetPort { place: Place::Egress, .. }
            | Self::MovePort { place: Place::Egress, .. }
            | Self::RemovePort { place: Place::Egress, .. }
            | Self::SetShared { .. }
            | Self::RemoveShared
            | Self::AddAddress(_)
            | Self::RemoveAddress(_)
            | Self::RemoveEgress
            | Self::OpenPassage(_)
            | Self::ShutPassage => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment(vni) => write!(f, "segment {vni}"),
            Self::Host(vni) => write!(f, "network {vni}"),
            Self::Egress => f.write_str("egress"),
        }
    }
}

impl fmt::Display for Change {
    #[expect(clippy::too_many_lines, reason = "a table: one sentence a change")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetFirewall(firewall) => {
                let Firewall { guard, .. } = firewall;
                let peers = guard.peers.len();
                write!(f, "write nft table inet weft: port {}, {peers} peers", guard.udp_port)
            }
            Self::RemoveFirewall => f.write_str("remove nft table inet weft"),
            Self::SetGate(Gate { guard, doors, .. }) => {
                let (peers, doors) = (guard.peers.len(), doors.len());
                write!(f, "guard every interface: port {}, {peers} peers", guard.udp_port)?;
                write!(f, ", {doors} ports of the agent")
            }
            Self::RemoveGate => f.write_str("remove the guard from every interface"),
            Self::AddNamespace(vni) => write!(f, "segment {vni}: make namespace weft-{vni}"),
            Self::AddBridge { place, .. } => write!(f, "{place}: make the bridge"),
            Self::SetBridge { place, flaws, .. } => {
                write!(f, "{place}: mend the bridge: {}", Because(flaws))
            }
            Self::AddVxlan(tunnel) => {
                let Tunnel { vni, local, udp_port, .. } = tunnel;
                write!(f, "segment {vni}: make VXLAN device vx0 at {local} port {udp_port}")
            }
            Self::ReplaceVxlan { tunnel, flaws } => {
                write!(f, "segment {}: make vx0 anew: {}", tunnel.vni, Because(flaws))
            }
            Self::SetVxlan { tunnel, flaws, .. } => {
                write!(f, "segment {}: mend vx0: {}", tunnel.vni, Because(flaws))
            }
            Self::AddPort { place, name, port, .. } => {
                write!(f, "{place}: make port {name} for {} ({})", port.peer, port.mac)
            }
            Self::SetPort { place, name, flaws, .. } => {
                write!(f, "{place}: mend port {name}: {}", Because(flaws))
            }
            Self::MovePort { from, place, name, .. } => {
                write!(f, "{place}: take over port {name} from {from}")
            }
            Self::RemovePort { place, name } => write!(f, "{place}: remove port {name}"),
            Self::SetFdb { engine, vni, mac, vtep } => {
                write!(f, "{}: {mac} is at host {vtep}", engine.place(*vni))
            }
            Self::RemoveFdb { engine, vni, mac } => {
                write!(f, "{}: {mac} is at no host", engine.place(*vni))
            }
            Self::SetNeighbor { engine, vni, address, mac } => {
                write!(f, "{}: {address} is {mac}", engine.place(*vni))
            }
            Self::RemoveNeighbor { engine, vni, address } => {
                write!(f, "{}: {address} is nobody's", engine.place(*vni))
            }
            Self::SetShared { udp_port, flaws } if flaws.is_empty() => {
                write!(f, "make VXLAN device weft-vxlan at port {udp_port}")
            }
            Self::SetShared { flaws, .. } => {
                write!(f, "make weft-vxlan anew: {}", Because(flaws))
            }
            Self::RemoveShared => f.write_str("remove VXLAN device weft-vxlan"),
            Self::Weave(vni) => write!(f, "network {vni}: let it in by programs"),
            Self::Unweave(vni) => write!(f, "network {vni}: forget it, with its ports"),
            Self::RemoveSegment(vni) => write!(f, "segment {vni}: remove namespace weft-{vni}"),
            Self::AddAddress(address) => write!(f, "egress: add address {address}"),
            Self::RemoveAddress(address) => write!(f, "egress: remove address {address}"),
            Self::RemoveEgress => f.write_str("egress: remove the bridge"),
            Self::OpenPassage(bridge) => {
                write!(f, "egress: let {bridge} through Docker's chain DOCKER-USER")
            }
            Self::ShutPassage => {
                f.write_str("egress: take Weft's rules from Docker's chain DOCKER-USER")
            }
        }
    }
}

/// Flaws as a list for people.
struct Because<'a>(&'a BTreeSet<Flaw>);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, flaw) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{flaw}")?;
        }
        Ok(())
    }
}
