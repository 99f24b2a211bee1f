//! What is wrong with an interface.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netlink_packet_route::link::{
    BridgeStpState, InfoBridge, InfoBridgePort, InfoData, InfoKind, InfoVxlan,
};
use weft_plan::{Flaw, LinkSeen, VxlanSeen};

use crate::netlink::link::Link;

/// Whether the ports of a bridge reach each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ports {
    Together,
    Apart,
}

/// A bridge's flaws.
pub(super) fn bridge(link: &Link) -> BTreeSet<Flaw> {
    let mut flaws = common(link, InfoKind::Bridge);
    let Some(InfoData::Bridge(settings)) = &link.data else { return flaws };
    flaws.extend(settings.iter().filter_map(|setting| match setting {
        InfoBridge::StpState(state) if *state != BridgeStpState::Disabled => {
            Some(Flaw::SpanningTree)
        }
        InfoBridge::VlanFiltering(true) => Some(Flaw::VlanFiltering),
        InfoBridge::MulticastSnooping(true) => Some(Flaw::Snooping),
        InfoBridge::ForwardDelay(delay) if *delay != 0 => Some(Flaw::ForwardDelay),
        _ => None,
    }));
    flaws
}

/// A veth port's flaws.
pub(super) fn port(link: &Link, master: Option<u32>, ports: Ports) -> BTreeSet<Flaw> {
    let mut flaws = common(link, InfoKind::Veth);
    flaws.extend(attachment(link, master, ports, UnknownStations::Away));
    flaws
}

/// A VXLAN device with its flaws, those of its place in the bridge included.
pub(super) fn vxlan(
    link: &Link,
    vni: u32,
    master: Option<u32>,
    seen: impl FnOnce(BTreeSet<Flaw>) -> LinkSeen,
) -> VxlanSeen {
    let mut flaws = common(link, InfoKind::Vxlan);
    flaws.extend(attachment(link, master, Ports::Together, UnknownStations::Here));
    flaws.extend((!link.elsewhere).then_some(Flaw::Underlay));
    // The neighbour table of a device without IPv6 takes no entries.
    flaws.extend((link.ipv6 == Some(false)).then_some(Flaw::Ipv6));
    let mut local = None;
    let mut udp_port = 0;
    let settings = match &link.data {
        Some(InfoData::Vxlan(settings)) => settings.as_slice(),
        _ => &[],
    };
    flaws.extend(settings.iter().filter_map(|setting| tunnel_flaw(setting, vni)));
    for setting in settings {
        match setting {
            InfoVxlan::Local(address) => local = Some(IpAddr::from(*address)),
            InfoVxlan::Local6(address) => local = Some(IpAddr::from(*address)),
            InfoVxlan::Port(port) => udp_port = *port,
            _ => {}
        }
    }
    VxlanSeen { link: seen(flaws), local, udp_port }
}

fn tunnel_flaw(setting: &InfoVxlan, vni: u32) -> Option<Flaw> {
    match setting {
        InfoVxlan::Id(id) if *id != vni => Some(Flaw::Vni(*id)),
        InfoVxlan::Learning(true) => Some(Flaw::Learning),
        InfoVxlan::Proxy(false) => Some(Flaw::NoProxy),
        InfoVxlan::Group(_) | InfoVxlan::Group6(_) => Some(Flaw::DefaultRemote),
        InfoVxlan::Rsc(true)
        | InfoVxlan::L2Miss(true)
        | InfoVxlan::L3Miss(true)
        | InfoVxlan::CollectMetadata(true)
        | InfoVxlan::RemCsumTX(true)
        | InfoVxlan::RemCsumRX(true)
        | InfoVxlan::Vnifilter(true)
        | InfoVxlan::Gbp
        | InfoVxlan::Gpe => Some(Flaw::Extension),
        InfoVxlan::Link(link) if *link != 0 => Some(Flaw::Extension),
        _ => None,
    }
}

/// Flaws of a port that is at no bridge.
pub(super) fn lone_port(link: &Link) -> BTreeSet<Flaw> {
    let mut flaws = common(link, InfoKind::Veth);
    flaws.extend(link.master.is_some().then_some(Flaw::Bridged));
    flaws.extend((link.ipv6 == Some(true)).then_some(Flaw::Ipv6));
    flaws
}

/// The VXLAN device of all networks: its UDP port and its flaws.
pub(super) fn shared(link: &Link) -> (u16, BTreeSet<Flaw>) {
    let mut flaws = common(link, InfoKind::Vxlan);
    flaws.extend(link.master.is_some().then_some(Flaw::Bridged));
    let settings = match &link.data {
        Some(InfoData::Vxlan(settings)) => settings.as_slice(),
        _ => &[],
    };
    let mut udp_port = 0;
    let mut collects = false;
    for setting in settings {
        match setting {
            InfoVxlan::Port(port) => udp_port = *port,
            InfoVxlan::CollectMetadata(on) => collects = *on,
            InfoVxlan::Learning(true) => drop(flaws.insert(Flaw::Learning)),
            _ => {}
        }
    }
    flaws.extend((!collects).then_some(Flaw::Extension));
    (udp_port, flaws)
}

fn common(link: &Link, kind: InfoKind) -> BTreeSet<Flaw> {
    let mut flaws = BTreeSet::new();
    flaws.extend((link.kind != Some(kind)).then_some(Flaw::Kind));
    flaws.extend((!link.up).then_some(Flaw::Down));
    flaws
}

/// Whether a port gets frames to stations that the bridge does not know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UnknownStations {
    Here,
    Away,
}

fn attachment(
    link: &Link,
    master: Option<u32>,
    ports: Ports,
    unknown: UnknownStations,
) -> BTreeSet<Flaw> {
    if link.master.is_none() || link.master != master {
        return BTreeSet::from([Flaw::Detached]);
    }
    let flood = unknown == UnknownStations::Here;
    let apart = ports == Ports::Apart;
    let flaws = link.port.iter().filter_map(|setting| match *setting {
        InfoBridgePort::Learning(true) => Some(Flaw::Learning),
        InfoBridgePort::UnicastFlood(on) if on != flood => Some(Flaw::Flooding),
        InfoBridgePort::BroadcastFlood(false) | InfoBridgePort::MulticastFlood(false) => {
            Some(Flaw::Flooding)
        }
        InfoBridgePort::Isolated(on) if on != apart => Some(Flaw::NotIsolated),
        // Kernels before 5.18 do not tell: there a workload may use another's MAC as its sender.
        InfoBridgePort::Locked(on) if on == flood => Some(Flaw::Unlocked),
        _ => None,
    });
    flaws.collect()
}

/// What [`attachment`] finds nothing wrong with.
pub(super) fn sound_port(ports: Ports) -> Vec<InfoBridgePort> {
    settings(ports, false)
}

/// As [`sound_port`], for the VXLAN device.
pub(super) fn sound_uplink() -> Vec<InfoBridgePort> {
    settings(Ports::Together, true)
}

fn settings(ports: Ports, flood: bool) -> Vec<InfoBridgePort> {
    vec![
        InfoBridgePort::Learning(false),
        InfoBridgePort::UnicastFlood(flood),
        InfoBridgePort::MulticastFlood(true),
        InfoBridgePort::BroadcastFlood(true),
        InfoBridgePort::Isolated(ports == Ports::Apart),
        InfoBridgePort::Locked(!flood),
    ]
}
