//! One segment seen closely: what a single packet meets of it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netlink_packet_route::AddressFamily;
use netlink_packet_route::neighbour::NeighbourFlags;
use weft_model::{MacAddr, Vni};
use weft_plan::{IfName, SegmentSeen};

use super::Linux;
use super::world::{Space, World};
use crate::guard::Home;
use crate::netlink::entry::{self, Entry};
use crate::netlink::link::{self, Link};
use crate::{Netns, ObserveError};

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Focus {
    /// The segment.
    pub vni: Vni,
    /// Whom frames are for.
    pub to: MacAddr,
    /// Whom they are from.
    pub from: MacAddr,
}

/// What one packet meets of a segment and of the guard.
#[derive(Clone, Debug)]
pub struct Closeup {
    /// The segment, if there is anything of it.
    pub segment: Option<SegmentSeen>,
    /// Its namespace, if it has one.
    pub netns: Option<Netns>,
    /// All destinations that `vx0` has for the station that frames are for.
    pub homes: BTreeSet<IpAddr>,
    /// The only host that may send as the station that they are from.
    pub owner: Option<IpAddr>,
    /// Whom the guard knows as members; nothing where there is no guard.
    pub peers: Option<BTreeSet<IpAddr>>,
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
        let home = guard.as_ref().and_then(|guard| guard.rows.home(&(focus.vni, focus.from)));
        let owner = home.and_then(|home| match home {
            Home::At(owner) => Some(owner),
            Home::Here(_) => None,
        });
        let mut closeup = Closeup {
            segment: None,
            netns: None,
            homes: BTreeSet::new(),
            owner,
            peers: guard.as_ref().map(|guard| guard.gate.guard.peers.clone()),
        };
        if let Some(space) = self.spaces.get_mut(&focus.vni) {
            closeup.segment = Some(space.observe(focus.vni, guard.as_ref())?);
            closeup.homes = space.homes(focus.to)?;
            closeup.netns = Some(space.netns.clone());
        }
        Ok(closeup)
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
