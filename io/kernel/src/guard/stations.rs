//! Where stations are and which addresses they have: the rows of all networks.
//!
//! The agent alone writes these tables. What is in them is kept at hand from one look to the next,
//! so that a change need not read a hundred thousand rows.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use aya::Ebpf;
use aya::maps::{HashMap, MapData, MapError};
use weft_model::{MacAddr, Vni, Vtep};

use super::GuardError;
use super::error::failed;
use super::layout::{self, HomeBytes, NeighborBytes, Seat, Spot, Station};
use super::tables::{Table, remove, take};

/// `BRIDGED` and `WOVEN`: how a network comes to its workloads here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// Over a bridge in a namespace.
    Bridge = 1,
    /// By programs.
    Programs = 2,
}

impl Carrier {
    /// Whether a value of the table `vnis` says so.
    pub(crate) const fn is_in(self, bits: u32) -> bool {
        bits & self as u32 != 0
    }
}

/// Where a station is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Home {
    /// Behind this interface.
    Here(u32),
    /// On the host with this tunnel end point.
    At(IpAddr),
}

/// Which station has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Neighbor {
    pub(crate) mac: MacAddr,
    /// It is on this host.
    pub(crate) local: bool,
}

type Homes = BTreeMap<(Vni, MacAddr), Home>;
type Neighbors = BTreeMap<(Vni, IpAddr), Neighbor>;

/// All rows, in the kernel and at hand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    /// The networks that are let in, and how.
    pub(crate) served: BTreeMap<Vni, u32>,
    pub(crate) homes: Homes,
    pub(crate) neighbors: Neighbors,
    /// Whom broadcasts go to.
    pub(crate) members: BTreeMap<Vni, BTreeSet<Home>>,
}

/// The tables.
pub(crate) struct Stations {
    vnis: Table<u32, u32>,
    homes: Table<Station, HomeBytes>,
    neighbors: Table<Spot, NeighborBytes>,
    members: Table<Seat, HomeBytes>,
    rows: Rows,
}

impl Stations {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, GuardError> {
        let mut stations = Self {
            vnis: take(object, "vnis")?,
            homes: take(object, "homes")?,
            neighbors: take(object, "neighbors")?,
            members: take(object, "members")?,
            rows: Rows::default(),
        };
        stations.look().map_err(failed("read the tables of stations"))?;
        Ok(stations)
    }

    /// Reads all rows.
    pub(super) fn look(&mut self) -> Result<&Rows, MapError> {
        let served = all(&self.vnis)?.into_iter();
        let homes = all(&self.homes)?.into_iter();
        let neighbors = all(&self.neighbors)?.into_iter();
        let mut members: BTreeMap<Vni, BTreeSet<Home>> = BTreeMap::new();
        for (seat, home) in all(&self.members)? {
            let Some(((vni, _), home)) = layout::seat_of(&seat).zip(layout::home_of(&home)) else {
                continue;
            };
            members.entry(vni).or_default().insert(home);
        }
        self.rows = Rows {
            served: served.filter_map(|(vni, how)| Some((layout::vni_of(vni)?, how))).collect(),
            homes: homes
                .filter_map(|(at, home)| Some((layout::station_of(&at)?, layout::home_of(&home)?)))
                .collect(),
            neighbors: neighbors
                .filter_map(|(at, found)| {
                    Some((layout::spot_of(&at)?, layout::neighbor_of(&found)))
                })
                .collect(),
            members,
        };
        Ok(&self.rows)
    }

    /// Lets a network in.
    pub(crate) fn serve(&mut self, vni: Vni, by: Carrier) -> Result<(), GuardError> {
        let how = self.rows.served.get(&vni).copied().unwrap_or_default() | by as u32;
        self.rows.served.insert(vni, how);
        self.vnis.insert(vni.number(), how, 0).map_err(failed("let a network in"))
    }

    /// Lets a network in no more, and forgets its stations, unless it still comes in another way.
    pub(crate) fn dismiss(&mut self, vni: Vni, by: Carrier) -> Result<(), GuardError> {
        let how = self.rows.served.get(&vni).copied().unwrap_or_default() & !(by as u32);
        if by == Carrier::Programs {
            self.forget(vni, |home| matches!(home, Home::Here(_)))?;
        }
        if how != 0 {
            self.rows.served.insert(vni, how);
            return self.vnis.insert(vni.number(), how, 0).map_err(failed("shut a network out"));
        }
        self.rows.served.remove(&vni);
        remove(&mut self.vnis, &vni.number()).map_err(failed("shut a network out"))?;
        self.forget(vni, |_| true)
    }

    /// Forgets addresses, members, and such stations of a network.
    fn forget(&mut self, vni: Vni, which: impl Fn(&Home) -> bool) -> Result<(), GuardError> {
        let homes: Vec<_> = homes_of(&self.rows.homes, vni).collect();
        for (mac, _) in homes.into_iter().filter(|(_, home)| which(home)) {
            self.drop_home(vni, mac)?;
        }
        let addresses: Vec<IpAddr> =
            neighbors_of(&self.rows.neighbors, vni).map(|(address, _)| address).collect();
        for address in addresses {
            self.drop_neighbor(vni, address)?;
        }
        self.write_members(vni, &BTreeSet::new())
    }

    pub(crate) fn set_home(&mut self, vni: Vni, mac: MacAddr, to: Home) -> Result<(), GuardError> {
        let row = self.homes.insert(layout::station(vni, mac), layout::home(to), 0);
        row.map_err(failed("write a station's home"))?;
        self.rows.homes.insert((vni, mac), to);
        Ok(())
    }

    /// A station is on another host.
    pub(crate) fn set_owner(
        &mut self,
        vni: Vni,
        mac: MacAddr,
        vtep: Vtep,
    ) -> Result<(), GuardError> {
        self.set_home(vni, mac, Home::At(vtep.0))
    }

    /// A station is on no other host; if it has come here it stays.
    pub(crate) fn remove_owner(&mut self, vni: Vni, mac: MacAddr) -> Result<(), GuardError> {
        match self.rows.homes.get(&(vni, mac)) {
            Some(Home::At(_)) => self.drop_home(vni, mac),
            Some(Home::Here(_)) | None => Ok(()),
        }
    }

    pub(crate) fn set_neighbor(
        &mut self,
        (vni, address): (Vni, IpAddr),
        neighbor: Neighbor,
    ) -> Result<(), GuardError> {
        let row = layout::neighbor(neighbor);
        self.neighbors
            .insert(layout::spot(vni, address), row, 0)
            .map_err(failed("write an address"))?;
        self.rows.neighbors.insert((vni, address), neighbor);
        Ok(())
    }

    /// No station on another host has an address.
    pub(crate) fn remove_neighbor(&mut self, vni: Vni, address: IpAddr) -> Result<(), GuardError> {
        match self.rows.neighbors.get(&(vni, address)) {
            Some(Neighbor { local: false, .. }) => self.drop_neighbor(vni, address),
            _ => Ok(()),
        }
    }

    /// Settles a station behind an interface of this host, with these addresses and no others.
    pub(crate) fn settle(
        &mut self,
        (vni, mac): (Vni, MacAddr),
        interface: u32,
        addresses: &BTreeSet<IpAddr>,
    ) -> Result<(), GuardError> {
        for &address in addresses {
            self.set_neighbor((vni, address), Neighbor { mac, local: true })?;
        }
        self.set_home(vni, mac, Home::Here(interface))?;
        let stale: Vec<IpAddr> = neighbors_of(&self.rows.neighbors, vni)
            .filter(|(at, row)| row.local && row.mac == mac && !addresses.contains(at))
            .map(|(address, _)| address)
            .collect();
        stale.into_iter().try_for_each(|address| self.drop_neighbor(vni, address))
    }

    /// Forgets all stations behind an interface of this host, with their addresses, but for one.
    pub(crate) fn unsettle(
        &mut self,
        interface: u32,
        but: Option<(Vni, MacAddr)>,
    ) -> Result<BTreeSet<Vni>, GuardError> {
        let behind = |(at, home): &(&(Vni, MacAddr), &Home)| {
            **home == Home::Here(interface) && Some(**at) != but
        };
        let gone: Vec<(Vni, MacAddr)> =
            self.rows.homes.iter().filter(behind).map(|(at, _)| *at).collect();
        for (vni, mac) in &gone {
            self.drop_home(*vni, *mac)?;
            let stale: Vec<IpAddr> = neighbors_of(&self.rows.neighbors, *vni)
                .filter(|(_, row)| row.local && row.mac == *mac)
                .map(|(address, _)| address)
                .collect();
            stale.into_iter().try_for_each(|address| self.drop_neighbor(*vni, address))?;
        }
        Ok(gone.into_iter().map(|(vni, _)| vni).collect())
    }

    /// Makes the list of those that a network's broadcasts go to what its stations say.
    pub(crate) fn seat(&mut self, vni: Vni) -> Result<(), GuardError> {
        let members = self.rows.audience(vni);
        if self.rows.members.get(&vni).unwrap_or(&BTreeSet::new()) == &members {
            return Ok(());
        }
        self.write_members(vni, &members)
    }

    fn write_members(&mut self, vni: Vni, members: &BTreeSet<Home>) -> Result<(), GuardError> {
        let what = || failed("write who gets broadcasts");
        let before = self.rows.members.get(&vni).map_or(0, BTreeSet::len);
        for (number, member) in (0..).zip(members) {
            let row = self.members.insert(layout::seat(vni, number), layout::home(*member), 0);
            row.map_err(what())?;
        }
        for number in (0..u32::try_from(before).unwrap_or(u32::MAX)).skip(members.len()) {
            remove(&mut self.members, &layout::seat(vni, number)).map_err(what())?;
        }
        match members.is_empty() {
            true => drop(self.rows.members.remove(&vni)),
            false => drop(self.rows.members.insert(vni, members.clone())),
        }
        Ok(())
    }

    fn drop_home(&mut self, vni: Vni, mac: MacAddr) -> Result<(), GuardError> {
        self.rows.homes.remove(&(vni, mac));
        remove(&mut self.homes, &layout::station(vni, mac)).map_err(failed("forget a station"))
    }

    fn drop_neighbor(&mut self, vni: Vni, address: IpAddr) -> Result<(), GuardError> {
        self.rows.neighbors.remove(&(vni, address));
        let row = remove(&mut self.neighbors, &layout::spot(vni, address));
        row.map_err(failed("forget an address"))
    }
}

impl Rows {
    /// Who must get a network's broadcasts. Stations here come first, as the programs expect.
    pub(crate) fn audience(&self, vni: Vni) -> BTreeSet<Home> {
        homes_of(&self.homes, vni).map(|(_, home)| home).collect()
    }

    /// The stations of a network.
    pub(crate) fn homes_of(&self, vni: Vni) -> impl Iterator<Item = (MacAddr, Home)> {
        homes_of(&self.homes, vni)
    }

    /// The addresses of a network.
    pub(crate) fn neighbors_of(&self, vni: Vni) -> impl Iterator<Item = (IpAddr, Neighbor)> {
        neighbors_of(&self.neighbors, vni)
    }
}

fn homes_of(homes: &Homes, vni: Vni) -> impl Iterator<Item = (MacAddr, Home)> {
    let rows = homes.range((vni, MacAddr([0; 6]))..).take_while(move |((of, _), _)| *of == vni);
    rows.map(|((_, mac), home)| (*mac, *home))
}

fn neighbors_of(rows: &Neighbors, vni: Vni) -> impl Iterator<Item = (IpAddr, Neighbor)> {
    let first = (vni, IpAddr::from([0, 0, 0, 0]));
    let rows = rows.range(first..).take_while(move |((of, _), _)| *of == vni);
    rows.map(|((_, address), row)| (*address, *row))
}

fn all<K: aya::Pod, V: aya::Pod>(table: &HashMap<MapData, K, V>) -> Result<Vec<(K, V)>, MapError> {
    table.iter().collect()
}
