//! Making and mending bridges.

use std::collections::BTreeSet;

use ipnet::IpNet;
use netlink_packet_route::link::{BridgeStpState, InfoBridge};
use weft_model::{MacAddr, Mtu};
use weft_plan::{Flaw, IfName, Place};

use super::apply::{find, index_of};
use super::inspect::Ports;
use super::settings::{self, Ipv6};
use super::world::World;
use crate::netlink::{Request, Rtnl, address, link};
use crate::{ApplyError, Netns};

/// A place's namespace, its socket, and the bridge's name there.
pub(super) struct Site<'a> {
    pub(super) rtnl: &'a mut Rtnl,
    pub(super) netns: Netns,
    pub(super) bridge: IfName,
    pub(super) ports: Ports,
}

impl World {
    /// A place with a bridge.
    pub(super) fn site(&mut self, place: Place) -> Result<Site<'_>, ApplyError> {
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

pub(super) fn ask(rtnl: &mut Rtnl, what: &'static str, request: Request) -> Result<(), ApplyError> {
    rtnl.request(request).map_err(|source| ApplyError::Netlink { what, source })
}

/// A bridge's address is fixed, or it would change with its ports. Nobody ever sends to it.
fn bridge_mac(place: Place) -> MacAddr {
    match place {
        Place::Segment(vni) | Place::Host(vni) => local_mac(0, vni.number()),
        Place::Egress => local_mac(2, 0),
    }
}

/// Locally administered, unicast: `we` and a kind, then 24 bits.
pub(super) const fn local_mac(kind: u8, number: u32) -> MacAddr {
    let [_, a, b, c] = number.to_be_bytes();
    MacAddr([0x02, 0x77, 0x60 | kind, a, b, c])
}
