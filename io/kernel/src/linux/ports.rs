//! Making and mending the host's ends of workloads' wires.

use std::collections::BTreeSet;

use weft_model::{MacAddr, Mtu};
use weft_plan::{IfName, Place, Port};

use super::apply::{find, index_of, is_gone};
use super::inspect::sound_port;
use super::links::ask;
use super::world::World;
use crate::ApplyError;
use crate::netlink::link::End;
use crate::netlink::{Rtnl, entry, link};

impl World {
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
}

fn remove(rtnl: &mut Rtnl, name: &IfName) -> Result<(), ApplyError> {
    match find(rtnl, name)? {
        Some(link) => ask(rtnl, "remove an interface", link::delete(link.index)),
        None => Ok(()),
    }
}

/// Takes stations from a port; one that is gone already is no failure.
pub(super) fn remove_stations(
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
