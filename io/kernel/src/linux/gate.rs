//! The guard at the interfaces of the host and at the ports of its workloads.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkInfo};
use netlink_packet_route::route::RouteAttribute;
use weft_model::{MacAddr, Vni};
use weft_plan::{Engine, Flaw, Gate, GateSeen, IfName, LinkSeen, Place, Port, VxlanSeen};

use super::world::{World, sockets};
use crate::guard::{Carrier, Duty, Entry, Home, Site, Snapshot};
use crate::netlink::link::{self, Link};
use crate::netlink::{Request, address};
use crate::{ApplyError, ObserveError};

/// Ends of pairs that wait to be moved into a workload: nothing comes in by them.
const PASSING: [&str; 2] = ["wc", "wx"];
/// Ports at no bridge, which have programs of their own.
const PORT: &str = "wp";

impl World {
    pub(super) fn set_gate(&mut self, gate: &Gate) -> Result<(), ApplyError> {
        let what = "tell its interfaces";
        let interfaces = self.interfaces(gate);
        let interfaces = interfaces.map_err(|source| ApplyError::Netlink { what, source })?;
        // Where there cannot be one, the next dump says so.
        let Some(guard) = self.guard.open() else { return Ok(()) };
        guard.guard_host((&self.host, &mut self.rtnl), gate, &interfaces).map_err(ApplyError::Guard)
    }

    /// Guards what has come since the guard was told last.
    pub(super) fn guard_news(&mut self) -> Result<(), ApplyError> {
        let gate = self.guard.standing().map(|guard| guard.gate()).transpose();
        let gate = gate.map_err(|source| ApplyError::Netlink { what: "tell its guard", source })?;
        gate.map_or(Ok(()), |gate| self.set_gate(&gate))
    }

    pub(super) fn remove_gate(&mut self) -> Result<(), ApplyError> {
        let mut sockets = sockets(&mut self.rtnl, &mut self.spaces);
        self.guard.remove(&mut sockets).map_err(ApplyError::Guard)
    }

    /// What the guard holds, and how whole it is.
    pub(super) fn observe_gate(&mut self) -> Result<(GateSeen, Option<Snapshot>), ObserveError> {
        let failed = |what| move |source| ObserveError::Netlink { what, source };
        let mut sockets = sockets(&mut self.rtnl, &mut self.spaces);
        let seen = self.guard.look(&mut sockets).map_err(failed("the guard's tables"))?;
        let Some(snapshot) = seen else {
            let impossible = self.guard.impossible().map(str::to_owned);
            return Ok((impossible.map_or(GateSeen::Missing, GateSeen::Impossible), None));
        };
        let interfaces =
            self.interfaces(&snapshot.gate).map_err(failed("the host's interfaces"))?;
        let open = interfaces
            .iter()
            .filter(|(number, (_, duty))| snapshot.standing.get(number) != Some(duty))
            .filter_map(|(_, (name, _))| name.parse().ok())
            .collect();
        self.guard.name(interfaces.into_iter().map(|(number, (name, _))| (number, name)));
        Ok((GateSeen::Holds { gate: snapshot.gate.clone(), open }, Some(snapshot)))
    }

    /// The host's interfaces by which packets come in, and what each leads to. A bridge's ports
    /// are the bridge's.
    fn interfaces(&mut self, gate: &Gate) -> std::io::Result<BTreeMap<u32, (String, Duty)>> {
        let links = self.rtnl.dump(&link::all())?;
        let links: Vec<Link> = links.into_iter().filter_map(Link::of).collect();
        let is_bridge = |link: &Link| link.kind == Some(InfoKind::Bridge);
        let bridges: BTreeSet<u32> =
            links.iter().filter(|link| is_bridge(link)).map(|link| link.index).collect();
        let uplinks = if bridges.is_empty() { BTreeSet::new() } else { self.uplinks(gate)? };
        let comes_in = |link: &&Link| {
            let port = link.master.is_some_and(|master| bridges.contains(&master));
            let passing = PASSING.iter().any(|prefix| link.name.starts_with(prefix));
            let own = [IfName::loopback(), IfName::shared()];
            let own = own.iter().any(|name| link.name == name.as_str());
            link.up && !port && !passing && !own && !link.name.starts_with(PORT)
        };
        let duty = |link: &Link| match is_bridge(link) && !uplinks.contains(&link.index) {
            true => Duty::Workloads,
            false if gate.engine == Engine::Bpf && link.ethernet => Duty::Arrival,
            false => Duty::Underlay,
        };
        let interfaces = links.iter().filter(comes_in);
        Ok(interfaces.map(|link| (link.index, (link.name.clone(), duty(link)))).collect())
    }

    /// Interfaces by which other hosts are reached, or which have this host's own tunnel end point.
    fn uplinks(&mut self, gate: &Gate) -> std::io::Result<BTreeSet<u32>> {
        let mut uplinks = BTreeSet::new();
        for &peer in &gate.guard.peers {
            // Who cannot be reached is reached by no bridge.
            let route = self.rtnl.get(address::route_to(peer));
            uplinks.extend(route.ok().and_then(|route| device_of(&route)));
        }
        let own = self.rtnl.dump(&address::all())?.into_iter().filter_map(address::of);
        uplinks.extend(own.filter(|(_, own)| Some(own.addr()) == gate.local).map(|own| own.0));
        Ok(uplinks)
    }

    /// Before a port carries anything, its guard stands, if there can be one.
    pub(super) fn guard_port(
        &mut self,
        place: Place,
        (name, number): (&IfName, u32),
        port: &Port,
    ) -> Result<(), ApplyError> {
        let (vni, netns) = match place {
            Place::Egress => (None, Some(&self.host)),
            Place::Host(vni) => (Some(vni), Some(&self.host)),
            Place::Segment(vni) => (Some(vni), self.spaces.get(&vni).map(|space| &space.netns)),
        };
        let netns = netns.ok_or_else(|| ApplyError::NoInterface { name: name.clone() })?.clone();
        self.guard.name([(number, name.to_string())]);
        let Some(guard) = self.guard.standing() else { return Ok(()) };
        let duty = match place {
            Place::Host(_) => Duty::Weave,
            Place::Egress | Place::Segment(_) => Duty::Port,
        };
        let entry = Entry::of(vni, port);
        let site = Site { netns, name: name.to_string(), number };
        guard.guard_port(&site, (&entry, duty)).map_err(ApplyError::Guard)
    }

    /// Gives the end of a pair that becomes a port a number that no other port of the host has.
    pub(super) fn numbered(&self, request: Request) -> Result<Request, ApplyError> {
        let number = || {
            let what = "tell the numbers of ports";
            let number = self.guard.number().map_err(std::io::Error::other);
            number.map_err(|source| ApplyError::Netlink { what, source })
        };
        let (mut message, flags) = request;
        if let RouteNetlinkMessage::NewLink(link) = &mut message
            && let Some(port) = link.attributes.iter_mut().find_map(other_end)
        {
            port.header.index = number()?;
            // The kernel heeds that only if the other end has a number too (`veth_newlink`).
            link.header.index = number()?;
        }
        Ok((message, flags))
    }
}

fn other_end(
    attribute: &mut LinkAttribute,
) -> Option<&mut netlink_packet_route::link::LinkMessage> {
    let LinkAttribute::LinkInfo(infos) = attribute else { return None };
    infos.iter_mut().find_map(|info| match info {
        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))) => Some(peer),
        _ => None,
    })
}

fn device_of(route: &RouteNetlinkMessage) -> Option<u32> {
    let RouteNetlinkMessage::NewRoute(route) = route else { return None };
    route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Oif(device) => Some(*device),
        _ => None,
    })
}

/// Notes what the guard has against a bridge's port; without a guard, nothing.
pub(super) fn judge_port(
    seen: &mut LinkSeen,
    link: &Link,
    vni: Option<Vni>,
    guard: Option<&Snapshot>,
) {
    if let Some(guard) = guard {
        judge_port_for(Duty::Port, seen, (link, vni), guard);
    }
}

/// Notes what the guard has against a port at which another program should stand.
pub(super) fn judge_port_for(
    duty: Duty,
    seen: &mut LinkSeen,
    (link, vni): (&Link, Option<Vni>),
    guard: &Snapshot,
) {
    let entry = guard.ports.get(&link.index).and_then(Option::as_ref);
    let listed = entry.is_some_and(|entry| entry.vni == vni);
    let stranger = entry.is_some_and(|entry| !seen.stations.contains(&entry.mac));
    let stands = guard.standing.get(&link.index) == Some(&duty);
    seen.flaws.extend((!listed).then_some(Flaw::Unlisted));
    seen.flaws.extend(stranger.then_some(Flaw::Addresses));
    seen.flaws.extend((!stands).then_some(Flaw::Unguarded));
    seen.forwards = entry.is_some_and(|entry| entry.forwards);
    seen.addresses = Some(entry.map(|entry| entry.addresses.clone()).unwrap_or_default());
}

/// Notes whether the guard lets in what the VXLAN device is there for.
pub(super) fn judge_vxlan(seen: &mut VxlanSeen, vni: Vni, guard: Option<&Snapshot>) {
    let bits = |guard: &Snapshot| guard.rows.served.get(&vni).copied().unwrap_or_default();
    let shut = guard.is_some_and(|guard| !Carrier::Bridge.is_in(bits(guard)));
    seen.link.flaws.extend(shut.then_some(Flaw::NotServed));
}

/// Who may send from a network's stations.
pub(super) fn owners(vni: Vni, guard: &Snapshot) -> BTreeMap<MacAddr, IpAddr> {
    let rows = guard.rows.homes_of(vni);
    rows.filter_map(|(mac, home)| match home {
        Home::At(host) => Some((mac, host)),
        Home::Here(_) => None,
    })
    .collect()
}
