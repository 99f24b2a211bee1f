//! What the kernel should hold.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use weft_model::{MacAddr, Mtu, Vni, Vtep};

use crate::{Door, Engine, Firewall, Gate, IfName, Masquerade};

/// Everything that Weft wants of one host's kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Who carries the networks' frames.
    pub engine: Engine,
    /// The networks that have endpoints here.
    pub segments: BTreeMap<Vni, Segment>,
    /// Who may send VXLAN to this host.
    pub guard: Guard,
    /// This host's own tunnel end point.
    pub local: Option<IpAddr>,
    /// What no workload reaches of the agent.
    pub doors: BTreeSet<Door>,
    /// The way out for workloads that are not Docker's.
    pub egress: Option<Egress>,
}

/// One network on one host, with a port per endpoint: a namespace with a bridge and a VXLAN device,
/// or rows of the programs' tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Stands in every frame's VXLAN header.
    pub vni: Vni,
    /// The inner MTU.
    pub mtu: Mtu,
    /// This host's own tunnel end point.
    pub local: Vtep,
    /// Where VXLAN is sent to and accepted.
    pub udp_port: u16,
    /// The endpoints on this host, by the name of their port.
    pub ports: BTreeMap<IfName, Port>,
    /// Addresses of the endpoints on other hosts.
    pub neighbors: BTreeMap<IpAddr, MacAddr>,
    /// Homes of the endpoints on other hosts.
    pub fdb: BTreeMap<MacAddr, Vtep>,
}

/// A veth pair whose one end is a bridge port, or stands in the host's namespace by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// The other end. It is born in the host's namespace; whoever starts the workload moves it.
    pub peer: IfName,
    /// The peer's address, the only one that the bridge knows behind this port.
    pub mac: MacAddr,
    /// The addresses that the workload may speak with. One without an IPv6 address may not speak
    /// IPv6 at all.
    pub addresses: BTreeSet<IpAddr>,
    /// Whether it may also send what others sent, under their addresses.
    pub forwards: bool,
}

/// VXLAN from others than these addresses is counted and dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// The port that is guarded.
    pub udp_port: u16,
    /// Tunnel end points of the cluster's other nodes.
    pub peers: BTreeSet<IpAddr>,
}

/// The bridge through which workloads that are not Docker's leave the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Egress {
    /// Its name; a kernel finds it again only under [`IfName::egress`].
    pub bridge: IfName,
    /// The gateway's address with the range's prefix length.
    pub address: IpNet,
    /// The workloads' second interfaces; ports do not reach each other.
    pub ports: BTreeMap<IfName, Port>,
}

impl Desired {
    /// The rules that belong to it.
    #[must_use]
    pub fn firewall(&self) -> Firewall {
        let masquerade = self.egress.as_ref().map(|egress| Masquerade {
            bridge: egress.bridge.clone(),
            range: egress.address.trunc(),
        });
        Firewall { guard: self.guard.clone(), masquerade }
    }

    /// The guard's programs that belong to it.
    #[must_use]
    pub fn gate(&self) -> Gate {
        let (guard, doors) = (self.guard.clone(), self.doors.clone());
        Gate { guard, local: self.local, doors, engine: self.engine }
    }
}
