//! One network seen closely: what a single packet meets of it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netlink_packet_route::AddressFamily;
use netlink_packet_route::neighbour::NeighbourFlags;
use weft_model::{MacAddr, Vni};
use weft_plan::{Gate, IfName, NeighborSeen, SegmentSeen, SharedSeen, WovenSeen};

use super::Linux;
use super::world::{Space, World};
use crate::guard::{Duty, Home, Snapshot};
use crate::netlink::entry::{self, Entry};
use crate::netlink::link::{self, Link};
use crate::{Netns, ObserveError};

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Focus {
    /// The network.
    pub vni: Vni,
    /// Whom frames are for.
    pub to: MacAddr,
    /// Whom they are from.
    pub from: MacAddr,
    /// The address that somebody asks for first, if that is looked at.
    pub address: Option<IpAddr>,
}

/// What one packet meets of a network and of the guard.
#[derive(Clone, Debug, Default)]
pub struct Closeup {
    /// The network as a bridge carries it, if there is anything of that.
    pub segment: Option<SegmentSeen>,
    /// The bridge's namespace, if it has one.
    pub netns: Option<Netns>,
    /// The network as programs carry it, if they do.
    pub woven: Option<WovenSeen>,
    /// The VXLAN device of all networks that programs carry.
    pub shared: Option<SharedSeen>,
    /// What this host has for the address that is asked for.
    pub neighbor: Option<NeighborSeen>,
    /// All hosts that frames for the station are sent to.
    pub homes: BTreeSet<IpAddr>,
    /// Where the programs have that station.
    pub home: Option<HomeSeen>,
    /// The only host that may send as the station that frames are from.
    pub owner: Option<IpAddr>,
    /// What the guard was told of the host; nothing where there is no guard.
    pub gate: Option<Gate>,
    /// Interfaces at which what programs carry comes in.
    pub arrivals: BTreeSet<IfName>,
}

/// Where the programs have a station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HomeSeen {
    /// Behind an interface of this host, which is called so if it is there.
    Behind(Option<IfName>),
    /// On the host with this tunnel end point.
    At(IpAddr),
}

impl Linux {
    /// Reads what one packet meets, now.
    ///
    /// # Errors
    ///
    /// If the kernel does not answer.
    pub async fn closeup(&self, focus: Focus) -> Result<Closeup, ObserveError> {
        self.work(move |world| world.closeup(focus)).await
    }
}

impl World {
    fn closeup(&mut self, focus: Focus) -> Result<Closeup, ObserveError> {
        let directory = self.directory.display().to_string();
        self.refresh().map_err(|source| ObserveError::Directory { directory, source })?;
        let (_, guard) = self.observe_gate()?;
        let mut closeup = Closeup::default();
        if let Some(guard) = &guard {
            self.look_at_guard(focus, guard, &mut closeup)?;
        }
        if let Some(space) = self.spaces.get_mut(&focus.vni) {
            let seen = space.observe(focus.vni, guard.as_ref())?;
            closeup.neighbor = focus.address.and_then(|at| seen.neighbors.get(&at).copied());
            closeup.segment = Some(seen);
            closeup.homes = space.homes(focus.to)?;
            closeup.netns = Some(space.netns.clone());
        }
        Ok(closeup)
    }

    /// What the guard's tables say, and, where programs carry, all that a bridge says elsewhere.
    fn look_at_guard(
        &mut self,
        focus: Focus,
        guard: &Snapshot,
        closeup: &mut Closeup,
    ) -> Result<(), ObserveError> {
        let Focus { vni, to, from, address } = focus;
        let host = |home: Home| match home {
            Home::At(host) => Some(host),
            Home::Here(_) => guard.gate.local,
        };
        let rows = &guard.rows;
        closeup.gate = Some(guard.gate.clone());
        closeup.owner = rows.home(&(vni, from)).and_then(host);
        let (mut woven, shared) = self.observe_woven(Some(guard))?;
        let Some(woven) = woven.remove(&vni) else { return Ok(()) };
        (closeup.woven, closeup.shared) = (Some(woven), shared);
        let row = address.and_then(|address| rows.neighbor(vni, address));
        closeup.neighbor = row.map(|row| NeighborSeen::Permanent(row.mac));
        let home = rows.home(&(vni, to));
        closeup.homes = home.and_then(host).into_iter().collect();
        closeup.home = home.map(|home| match home {
            Home::At(host) => HomeSeen::At(host),
            Home::Here(number) => HomeSeen::Behind(self.name_of(number)),
        });
        let arrivals = guard.standing.iter().filter(|(_, duty)| **duty == Duty::Arrival);
        closeup.arrivals = arrivals.filter_map(|(number, _)| self.name_of(*number)).collect();
        Ok(())
    }

    fn name_of(&mut self, number: u32) -> Option<IfName> {
        let link = self.rtnl.get(link::numbered(number)).ok().and_then(Link::of)?;
        link.name.parse().ok()
    }
}

impl Space {
    /// Where `vx0` sends frames to a station, whatever the guard says of it.
    fn homes(&mut self, station: MacAddr) -> Result<BTreeSet<IpAddr>, ObserveError> {
        let what = "a segment's forwarding table";
        let failed = |source| ObserveError::Netlink { what, source };
        let Ok(vxlan) = self.rtnl.get(link::named(&IfName::vxlan())) else {
            return Ok(BTreeSet::new());
        };
        let index = Link::of(vxlan).map(|vxlan| vxlan.index);
        let dump = self.rtnl.dump(&entry::all(AddressFamily::Bridge)).map_err(failed)?;
        let entries = dump.into_iter().filter_map(Entry::of).filter(|entry| {
            Some(entry.device) == index
                && entry.flags.contains(NeighbourFlags::Own)
                && entry.mac == Some(station)
        });
        Ok(entries.filter_map(|entry| entry.address).collect())
    }
}
