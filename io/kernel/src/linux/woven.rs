//! Networks that programs carry: rows, ports in the host's namespace, and one VXLAN device.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use weft_model::{Mtu, Vni, Vtep};
use weft_plan::{
    Change, FdbSeen, Flaw, IfName, LinkSeen, NeighborSeen, Place, Port, SharedSeen, WovenSeen,
};

use super::apply::{find, index_of, is_gone};
use super::links::{ask, set_ipv6};
use super::settings::{self, Ipv6};
use super::world::World;
use super::{gate, inspect};
use crate::guard::{Answers, Carrier, Duty, Home, Neighbor, Rows, Site, Snapshot, Stations};
use crate::netlink::link::{self, Link};
use crate::{ApplyError, GuardError, ObserveError};

/// What the host's end of a workload's interface is called, before its id.
const PORT: &str = "wp";

impl World {
    pub(super) fn weave(&mut self, vni: Vni) -> Result<(), ApplyError> {
        let rows = self.rows()?;
        rows.serve(vni, Carrier::Programs).map_err(ApplyError::Guard)?;
        rows.seat(vni).map_err(ApplyError::Guard)
    }

    pub(super) fn unweave(&mut self, vni: Vni) -> Result<(), ApplyError> {
        for port in self.lone_ports()?.iter().filter(|port| port.group == vni.number()) {
            self.remove_link(port.index)?;
            self.forget(port.index)?;
        }
        let Some(guard) = self.guard.standing() else { return Ok(()) };
        guard.tables.stations.dismiss(vni, Carrier::Programs).map_err(ApplyError::Guard)
    }

    /// Homes and addresses of stations on other hosts.
    pub(super) fn write_rows(
        &mut self,
        vni: Vni,
        changes: &[Change],
    ) -> Result<Vec<Result<(), ApplyError>>, ApplyError> {
        let rows = self.rows()?;
        let alike = |a: &Change, b: &Change| discriminant(a) == discriminant(b);
        let done: Vec<Result<(), GuardError>> =
            changes.chunk_by(alike).flat_map(|changes| write(rows, vni, changes)).collect();
        rows.seat(vni).map_err(ApplyError::Guard)?;
        Ok(done.into_iter().map(|done| done.map_err(ApplyError::Guard)).collect())
    }

    /// A port is guarded and known before it carries anything.
    pub(super) fn set_lone_port(
        &mut self,
        vni: Vni,
        (name, port): (&IfName, &Port),
        mtu: Mtu,
    ) -> Result<(), ApplyError> {
        let index = index_of(&mut self.rtnl, name)?;
        ask(&mut self.rtnl, "make an interface a port", link::set_alone(index, vni, mtu))?;
        set_ipv6(&self.host, name, Ipv6::Off)?;
        let forwards = self.host.run(|| settings::let_forward(name.as_str()));
        forwards.and_then(std::convert::identity).map_err(|source| ApplyError::Setting {
            path: format!("net.ipv4.conf.{name}.forwarding"),
            source,
        })?;
        self.guard_port(Place::Host(vni), (name, index), port)?;
        let rows = self.rows()?;
        rows.settle((vni, port.mac), index, &port.addresses).map_err(ApplyError::Guard)?;
        rows.unsettle(index, Some((vni, port.mac))).map_err(ApplyError::Guard)?;
        rows.seat(vni).map_err(ApplyError::Guard)?;
        ask(&mut self.rtnl, "bring a port up", link::set_up(index))
    }

    pub(super) fn remove_lone_port(&mut self, name: &IfName) -> Result<(), ApplyError> {
        let Some(link) = find(&mut self.rtnl, name)? else { return Ok(()) };
        self.remove_link(link.index)?;
        self.forget(link.index)
    }

    /// A pair goes with its workload too, at any moment.
    fn remove_link(&mut self, index: u32) -> Result<(), ApplyError> {
        match self.rtnl.request(link::delete(index)) {
            Err(error) if is_gone(&error) => Ok(()),
            removed => {
                let what = "remove a port";
                removed.map_err(|source| ApplyError::Netlink { what, source })
            }
        }
    }

    /// Takes a port over from the other engine; its workload's end notices only a short silence.
    pub(super) fn move_port(
        &mut self,
        (from, to): (Place, Place),
        (name, port): (&IfName, &Port),
        mtu: Mtu,
    ) -> Result<(), ApplyError> {
        let missing = || ApplyError::NoInterface { name: name.clone() };
        let what = "move a port to another namespace";
        match (from, to) {
            (Place::Segment(vni), Place::Host(_)) => {
                let host = self.host.clone();
                let space = self.spaces.get_mut(&vni).ok_or_else(missing)?;
                let index = index_of(&mut space.rtnl, name)?;
                ask(&mut space.rtnl, what, link::move_to(index, &host, Vec::new()))?;
            }
            (Place::Host(_), Place::Segment(vni)) => {
                let index = index_of(&mut self.rtnl, name)?;
                let space = self.spaces.get(&vni).ok_or_else(missing)?;
                ask(&mut self.rtnl, what, link::move_to(index, &space.netns, Vec::new()))?;
                self.forget(index)?;
            }
            _ => return Err(missing()),
        }
        self.set_port(to, (name, port), mtu, &BTreeSet::new())
    }

    /// The device comes up last: from then on what is let in comes out of it.
    pub(super) fn set_shared(&mut self, udp_port: u16) -> Result<(), ApplyError> {
        let name = IfName::shared();
        if let Some(link) = find(&mut self.rtnl, &name)?
            && link.ipv6 == Some(false)
            && inspect::shared(&link) == (udp_port, BTreeSet::new())
        {
            // Only its program is missing, or an older one: no frame is to be lost for that.
            return self.guard_shared(&name, link.index);
        }
        self.remove_shared()?;
        ask(&mut self.rtnl, "make a VXLAN device", link::add_shared(&name, udp_port))?;
        let index = index_of(&mut self.rtnl, &name)?;
        set_ipv6(&self.host, &name, Ipv6::Off)?;
        self.guard_shared(&name, index)?;
        self.rtnl.request(link::set_up(index)).map_err(|source| match source.raw_os_error() {
            Some(nix::libc::EADDRINUSE) => ApplyError::PortTaken { port: udp_port, source },
            _ => ApplyError::Netlink { what: "bring a VXLAN device up", source },
        })
    }

    fn guard_shared(&mut self, name: &IfName, index: u32) -> Result<(), ApplyError> {
        let Some(guard) = self.guard.standing() else { return Ok(()) };
        let site = Site { netns: self.host.clone(), name: name.to_string(), number: index };
        guard.guard_shared(&site).map_err(ApplyError::Guard)
    }

    pub(super) fn remove_shared(&mut self) -> Result<(), ApplyError> {
        if let Some(guard) = self.guard.standing() {
            guard.tables.set_shared(0).map_err(ApplyError::Guard)?;
        }
        match find(&mut self.rtnl, &IfName::shared())? {
            Some(link) => ask(&mut self.rtnl, "remove a VXLAN device", link::delete(link.index)),
            None => Ok(()),
        }
    }

    /// Networks that programs carry, and the device that they share.
    pub(super) fn observe_woven(
        &mut self,
        guard: Option<&Snapshot>,
    ) -> Result<(BTreeMap<Vni, WovenSeen>, Option<SharedSeen>), ObserveError> {
        let what = "the host's interfaces";
        let links = self.rtnl.dump(&link::all());
        let links = links.map_err(|source| ObserveError::Netlink { what, source })?;
        let links: Vec<Link> = links.into_iter().filter_map(Link::of).collect();
        let shared = links.iter().find(|link| link.name == IfName::shared().as_str());
        let ports: Vec<&Link> = links.iter().filter(|link| link.name.starts_with(PORT)).collect();
        self.guard.name(ports.iter().map(|port| (port.index, port.name.clone())));
        Ok((woven(&ports, guard), shared.map(|link| shared_seen(link, guard))))
    }

    /// Ports in the host's namespace.
    fn lone_ports(&mut self) -> Result<Vec<Link>, ApplyError> {
        let what = "list its interfaces";
        let links = self.rtnl.dump(&link::all());
        let links = links.map_err(|source| ApplyError::Netlink { what, source })?;
        let links = links.into_iter().filter_map(Link::of);
        Ok(links.filter(|link| link.name.starts_with(PORT)).collect())
    }

    /// Nobody is behind an interface any more.
    fn forget(&mut self, interface: u32) -> Result<(), ApplyError> {
        let Some(guard) = self.guard.standing() else { return Ok(()) };
        guard.tables.remove_port(interface).map_err(ApplyError::Guard)
    }

    /// The tables, without which programs carry nothing.
    fn rows(&mut self) -> Result<&mut Stations, ApplyError> {
        let why = self.guard.impossible().map(str::to_owned);
        match self.guard.standing() {
            Some(guard) => Ok(&mut guard.tables.stations),
            None => Err(ApplyError::NoPrograms {
                why: why.unwrap_or_else(|| "they are not loaded yet".to_owned()),
            }),
        }
    }
}

/// Writes what changes are alike, all at once.
pub(super) fn write(rows: &mut Stations, vni: Vni, changes: &[Change]) -> Answers {
    let homes = || {
        changes.iter().filter_map(|change| match *change {
            Change::SetFdb { mac, vtep, .. } => Some((mac, Home::At(vtep.0))),
            _ => None,
        })
    };
    let neighbors = || {
        changes.iter().filter_map(|change| match *change {
            Change::SetNeighbor { address, mac, .. } => {
                Some((address, Neighbor { mac, local: false }))
            }
            _ => None,
        })
    };
    let macs = changes.iter().filter_map(|change| match *change {
        Change::RemoveFdb { mac, .. } => Some(mac),
        _ => None,
    });
    let addresses = changes.iter().filter_map(|change| match *change {
        Change::RemoveNeighbor { address, .. } => Some(address),
        _ => None,
    });
    match changes.first() {
        Some(Change::SetFdb { .. }) => rows.set_homes(vni, homes()),
        Some(Change::RemoveFdb { .. }) => rows.remove_owners(vni, &macs.collect::<Vec<_>>()),
        Some(Change::SetNeighbor { .. }) => rows.set_neighbors(vni, neighbors()),
        Some(Change::RemoveNeighbor { .. }) => {
            rows.remove_neighbors(vni, &addresses.collect::<Vec<_>>())
        }
        _ => changes.iter().map(|_| Ok(())).collect(),
    }
}

fn woven(ports: &[&Link], guard: Option<&Snapshot>) -> BTreeMap<Vni, WovenSeen> {
    let nothing = Rows::default();
    let rows = guard.map_or(&nothing, |guard| guard.rows.as_ref());
    let mut woven: BTreeMap<Vni, WovenSeen> = BTreeMap::new();
    for (&vni, &bits) in &rows.served {
        if Carrier::Programs.is_in(bits) {
            woven.entry(vni).or_default();
        }
    }
    for port in ports {
        let (Ok(vni), Ok(name)) = (Vni::try_from(port.group), port.name.parse()) else { continue };
        let seen = port_seen(vni, port, guard);
        woven.entry(vni).or_default().ports.insert(name, seen);
    }
    for (&vni, seen) in &mut woven {
        let bits = rows.served.get(&vni).copied().unwrap_or_default();
        let seated = rows.members.get(&vni).cloned().unwrap_or_default() == rows.audience(vni);
        seen.flaws.extend((!Carrier::Programs.is_in(bits)).then_some(Flaw::NotServed));
        seen.flaws.extend((!seated).then_some(Flaw::Audience));
        seen.fdb = fdb_seen(rows, vni);
        seen.neighbors = neighbors_seen(rows, vni);
    }
    woven
}

fn fdb_seen(rows: &Rows, vni: Vni) -> BTreeMap<weft_model::MacAddr, FdbSeen> {
    let remote = rows.homes_of(vni).filter_map(|(mac, home)| match home {
        Home::At(host) => Some((mac, FdbSeen::At(Vtep(host)))),
        Home::Here(_) => None,
    });
    remote.collect()
}

fn neighbors_seen(rows: &Rows, vni: Vni) -> BTreeMap<std::net::IpAddr, NeighborSeen> {
    let remote = rows.neighbors_of(vni).filter(|(_, row)| !row.local);
    remote.map(|(address, row)| (address, NeighborSeen::Permanent(row.mac))).collect()
}

fn port_seen(vni: Vni, link: &Link, guard: Option<&Snapshot>) -> LinkSeen {
    let mut seen =
        LinkSeen { mtu: link.mtu, flaws: inspect::lone_port(link), ..LinkSeen::default() };
    let Some(guard) = guard else { return seen };
    let behind = || guard.rows.behind(link.index).filter(|(of, _)| *of == vni);
    seen.stations = behind().map(|(_, mac)| mac).collect();
    gate::judge_port_for(Duty::Weave, &mut seen, (link, Some(vni)), guard);
    let known: BTreeSet<_> = behind().flat_map(|at| guard.rows.own(at)).collect();
    if seen.addresses.as_ref() != Some(&known) {
        seen.flaws.insert(Flaw::Addresses);
    }
    seen
}

fn shared_seen(link: &Link, guard: Option<&Snapshot>) -> SharedSeen {
    let (udp_port, mut flaws) = inspect::shared(link);
    let guarded = guard.is_some_and(|guard| {
        guard.standing.get(&link.index) == Some(&Duty::Shared) && guard.shared == link.index
    });
    flaws.extend((!guarded).then_some(Flaw::Unguarded));
    flaws.extend((link.ipv6 == Some(true)).then_some(Flaw::Ipv6));
    SharedSeen { udp_port, flaws }
}
