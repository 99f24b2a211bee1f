//! Making and mending bridges, VXLAN devices and ports.

use std::collections::BTreeSet;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use netlink_packet_route::link::{BridgeStpState, InfoBridge};
use weft_model::{MacAddr, Mtu, Vni};
use weft_plan::{Flaw, IfName, Place, Port, Tunnel};

use super::apply::{find, index_of, is_gone};
use super::inspect::{Ports, sound_port, sound_uplink};
use super::settings::{self, Ipv6};
use super::world::World;
use crate::guard::Carrier;
use crate::netlink::link::End;
use crate::netlink::{Request, Rtnl, address, entry, link};
use crate::{ApplyError, Netns};

/// How long a VXLAN device of a namespace that was removed by others may take to vanish.
const VANISHING: Duration = Duration::from_millis(300);

/// A place's namespace, its socket, and the bridge's name there.
struct Site<'a> {
    rtnl: &'a mut Rtnl,
    netns: Netns,
    bridge: IfName,
    ports: Ports,
}

impl World {
    /// A place with a bridge.
    fn site(&mut self, place: Place) -> Result<Site<'_>, ApplyError> {
        let bridge = match place {
            Place::Segment(_) | Place::Host(_) => IfName::bridge(),
            Place::Egress => IfName::egress(),
        };
        let missing = || ApplyError::NoInterface { name: bridge.clone() };
        let (rtnl, netns, ports) = match place {
            Place::Segment(vni) => {
                let space = self.spaces.get_mut(&vni).ok_or_else(missing)?;
                (&mut space.rtnl, space.netns.clone(), Ports::Together)
            }
            Place::Egress => (&mut self.rtnl, self.host.clone(), Ports::Apart),
            Place::Host(_) => return Err(missing()),
        };
        Ok(Site { rtnl, netns, bridge, ports })
    }

    pub(super) fn add_bridge(&mut self, place: Place, mtu: Mtu) -> Result<(), ApplyError> {
        let mac = bridge_mac(place);
        let site = self.site(place)?;
        ask(site.rtnl, "make a bridge", link::add_bridge(&site.bridge, mac, mtu))?;
        self.set_bridge(place, mtu, &BTreeSet::new())
    }

    pub(super) fn set_bridge(
        &mut self,
        place: Place,
        mtu: Mtu,
        flaws: &BTreeSet<Flaw>,
    ) -> Result<(), ApplyError> {
        let site = self.site(place)?;
        let index = index_of(site.rtnl, &site.bridge)?;
        if flaws.contains(&Flaw::Kind) {
            ask(site.rtnl, "remove what has a bridge's name", link::delete(index))?;
            return self.add_bridge(place, mtu);
        }
        write_settings(&site, place)?;
        for option in options(flaws) {
            ask(site.rtnl, "set a bridge's option", link::set_bridge_option(index, option))?;
        }
        ask(site.rtnl, "set a bridge", link::set_bridge(index, mtu))?;
        ask(site.rtnl, "bring a bridge up", link::set_up(index))?;
        match place {
            Place::Segment(_) | Place::Host(_) => Ok(()),
            Place::Egress => self.guard_news(),
        }
    }

    pub(super) fn add_vxlan(&mut self, tunnel: &Tunnel) -> Result<(), ApplyError> {
        let space = self.spaces.get_mut(&tunnel.vni);
        let netns = space.map(|space| space.netns.clone());
        let netns = netns.ok_or_else(|| ApplyError::NoInterface { name: IfName::bridge() })?;
        let request = || link::add_vxlan(&IfName::vxlan(), tunnel, vxlan_mac(tunnel.vni), &netns);
        let deadline = Instant::now() + VANISHING;
        loop {
            match self.rtnl.request(request()) {
                Err(error) if is_taken(&error) && Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(10));
                }
                made => break made.map_err(|source| tunnel_error(tunnel, source))?,
            }
        }
        self.set_vxlan(tunnel, &BTreeSet::new(), &BTreeSet::new())
    }

    pub(super) fn replace_vxlan(&mut self, tunnel: &Tunnel) -> Result<(), ApplyError> {
        let site = self.site(Place::Segment(tunnel.vni))?;
        if let Some(old) = find(site.rtnl, &IfName::vxlan())? {
            ask(site.rtnl, "remove a VXLAN device", link::delete(old.index))?;
        }
        self.add_vxlan(tunnel)
    }

    pub(super) fn set_vxlan(
        &mut self,
        tunnel: &Tunnel,
        flaws: &BTreeSet<Flaw>,
        stray: &BTreeSet<MacAddr>,
    ) -> Result<(), ApplyError> {
        if let Some(guard) = self.guard.standing() {
            let stations = &mut guard.tables.stations;
            stations.serve(tunnel.vni, Carrier::Bridge).map_err(ApplyError::Guard)?;
        }
        let site = self.site(Place::Segment(tunnel.vni))?;
        let name = IfName::vxlan();
        let index = index_of(site.rtnl, &name)?;
        let master = index_of(site.rtnl, &site.bridge)?;
        if flaws.contains(&Flaw::Learning) {
            ask(site.rtnl, "stop a VXLAN device's learning", link::stop_learning(index))?;
        }
        ask(site.rtnl, "make vx0 a port", link::set_master(index, master, tunnel.mtu))?;
        // An interface whose MTU was below 1280 had none; it begins with the namespace's default.
        set_ipv6(&site.netns, &name, Ipv6::On)?;
        ask(site.rtnl, "set a port", link::set_port(index, sound_uplink()))?;
        remove_stations(site.rtnl, index, stray)?;
        site.rtnl.request(link::set_up(index)).map_err(|source| tunnel_error(tunnel, source))
    }

    pub(super) fn add_port(
        &mut self,
        place: Place,
        name: &IfName,
        port: &Port,
        mtu: Mtu,
    ) -> Result<(), ApplyError> {
        let into = match place {
            Place::Host(_) => self.host.clone(),
            Place::Segment(_) | Place::Egress => self.site(place)?.netns,
        };
        if let Some(old) = find(&mut self.rtnl, &port.peer)? {
            ask(&mut self.rtnl, "remove an old pair", link::delete(old.index))?;
        }
        let peer = End { name: &port.peer, mac: Some(port.mac) };
        let request = link::add_veth(&peer, &End { name, mac: None }, mtu, &into);
        let request = self.numbered(request)?;
        ask(&mut self.rtnl, "make a veth pair", request)?;
        self.set_port(place, (name, port), mtu, &BTreeSet::new())
    }

    pub(super) fn set_port(
        &mut self,
        place: Place,
        (name, port): (&IfName, &Port),
        mtu: Mtu,
        stray: &BTreeSet<MacAddr>,
    ) -> Result<(), ApplyError> {
        if let Place::Host(vni) = place {
            return self.set_lone_port(vni, (name, port), mtu);
        }
        let site = self.site(place)?;
        let index = index_of(site.rtnl, name)?;
        self.guard_port(place, (name, index), port)?;
        let site = self.site(place)?;
        let master = index_of(site.rtnl, &site.bridge)?;
        ask(site.rtnl, "make an interface a port", link::set_master(index, master, mtu))?;
        ask(site.rtnl, "set a port", link::set_port(index, sound_port(site.ports)))?;
        ask(site.rtnl, "fix a station to its port", entry::set_station(index, port.mac))?;
        remove_stations(site.rtnl, index, stray)?;
        ask(site.rtnl, "bring a port up", link::set_up(index))
    }

    pub(super) fn remove_port(&mut self, place: Place, name: &IfName) -> Result<(), ApplyError> {
        if let Place::Host(_) = place {
            return self.remove_lone_port(name);
        }
        let site = self.site(place)?;
        remove(site.rtnl, name)
    }

    pub(super) fn add_address(&mut self, address: IpNet) -> Result<(), ApplyError> {
        let index = index_of(&mut self.rtnl, &IfName::egress())?;
        ask(&mut self.rtnl, "add an address", address::add(index, address))
    }

    pub(super) fn remove_address(&mut self, address: IpNet) -> Result<(), ApplyError> {
        let index = index_of(&mut self.rtnl, &IfName::egress())?;
        ask(&mut self.rtnl, "remove an address", address::remove(index, address))
    }

    pub(super) fn remove_egress(&mut self) -> Result<(), ApplyError> {
        let Some(bridge) = find(&mut self.rtnl, &IfName::egress())? else { return Ok(()) };
        let what = "list the egress bridge's ports";
        let ports = self.rtnl.dump(&link::ports_of(bridge.index));
        let ports = ports.map_err(|source| ApplyError::Netlink { what, source })?;
        let ports = ports.into_iter().filter_map(link::Link::of);
        for port in ports.filter(|port| port.master == Some(bridge.index)) {
            ask(&mut self.rtnl, "remove a port", link::delete(port.index))?;
        }
        ask(&mut self.rtnl, "remove a bridge", link::delete(bridge.index))
    }
}

/// What has to be set by itself: while the spanning tree is on a forward delay of zero is refused,
/// and a kernel without VLAN filtering does not even let it be switched off.
fn options(flaws: &BTreeSet<Flaw>) -> Vec<InfoBridge> {
    let mut options = Vec::new();
    let stop = InfoBridge::StpState(BridgeStpState::Disabled);
    options.extend(flaws.contains(&Flaw::SpanningTree).then_some(stop));
    let stop = InfoBridge::VlanFiltering(false);
    options.extend(flaws.contains(&Flaw::VlanFiltering).then_some(stop));
    options
}

fn write_settings(site: &Site<'_>, place: Place) -> Result<(), ApplyError> {
    let failed = |path: &str| {
        let path = path.to_owned();
        move |source| ApplyError::Setting { path, source }
    };
    match place {
        Place::Egress => {
            let done = site.netns.run(settings::forward).and_then(std::convert::identity);
            done.map_err(failed("net.ipv4.ip_forward"))
        }
        Place::Host(_) => Ok(()),
        Place::Segment(_) => {
            let done = site.netns.run(settings::bypass_filter).and_then(std::convert::identity);
            done.map_err(failed("net.bridge.bridge-nf-call-*"))?;
            set_ipv6(&site.netns, &site.bridge, Ipv6::Off)
        }
    }
}

/// An interface's own address, which nobody needs, is kept away before IPv6 is switched on.
pub(super) fn set_ipv6(netns: &Netns, name: &IfName, ipv6: Ipv6) -> Result<(), ApplyError> {
    let done = netns.run(|| {
        settings::without_addresses(name.as_str())?;
        settings::set_ipv6(name.as_str(), ipv6)
    });
    done.and_then(std::convert::identity).map_err(|source| {
        let path = format!("net.ipv6.conf.{name}.disable_ipv6");
        ApplyError::Setting { path, source }
    })
}

fn remove(rtnl: &mut Rtnl, name: &IfName) -> Result<(), ApplyError> {
    match find(rtnl, name)? {
        Some(link) => ask(rtnl, "remove an interface", link::delete(link.index)),
        None => Ok(()),
    }
}

fn remove_stations(
    rtnl: &mut Rtnl,
    port: u32,
    stations: &BTreeSet<MacAddr>,
) -> Result<(), ApplyError> {
    for &mac in stations {
        match rtnl.request(entry::remove_station(port, mac)) {
            Err(error) if is_gone(&error) => {}
            removed => removed.map_err(|source| ApplyError::Netlink {
                what: "take a station from a port",
                source,
            })?,
        }
    }
    Ok(())
}

pub(super) fn ask(rtnl: &mut Rtnl, what: &'static str, request: Request) -> Result<(), ApplyError> {
    rtnl.request(request).map_err(|source| ApplyError::Netlink { what, source })
}

fn is_taken(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::libc::EEXIST)
}

/// Who stands in a tunnel's way: its number is taken when it is made, its port when it comes up.
fn tunnel_error(tunnel: &Tunnel, source: io::Error) -> ApplyError {
    let Tunnel { vni, udp_port: port, .. } = *tunnel;
    match source.raw_os_error() {
        Some(nix::libc::EEXIST) => ApplyError::VniTaken { vni, port, source },
        Some(nix::libc::EADDRINUSE) => ApplyError::PortTaken { port, source },
        _ => ApplyError::Netlink { what: "make a VXLAN device", source },
    }
}

/// A bridge's address is fixed, or it would change with its ports. Nobody ever sends to it.
fn bridge_mac(place: Place) -> MacAddr {
    match place {
        Place::Segment(vni) | Place::Host(vni) => local_mac(0, vni.number()),
        Place::Egress => local_mac(2, 0),
    }
}

fn vxlan_mac(vni: Vni) -> MacAddr {
    local_mac(1, vni.number())
}

/// Locally administered, unicast: `we` and a kind, then 24 bits.
const fn local_mac(kind: u8, number: u32) -> MacAddr {
    let [_, a, b, c] = number.to_be_bytes();
    MacAddr([0x02, 0x77, 0x60 | kind, a, b, c])
}
