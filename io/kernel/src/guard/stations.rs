//! Where stations are and which addresses they have: the rows of all networks.
//!
//! The agent alone writes these tables. What is in them is kept at hand from one look to the next,
//! so that a change need not read a hundred thousand rows.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use aya::Ebpf;
use weft_model::{MacAddr, Vni};

use super::error::{TableError, failed};
use super::layout::{self, HomeBytes, NeighborBytes, Seat, Spot, Station};
use super::rows::{At, Carrier, Home, Neighbor, Rows};
use super::table::Table;
use super::{GuardError, TableUse};

/// What became of each of several rows.
pub(crate) type Answers = Vec<Result<(), GuardError>>;

/// The tables.
pub(crate) struct Stations {
    vnis: Table<u32, u32>,
    homes: Table<Station, HomeBytes>,
    neighbors: Table<Spot, NeighborBytes>,
    members: Table<Seat, HomeBytes>,
    /// Shared with whoever looks, for as long as nothing changes.
    rows: Arc<Rows>,
}

impl Stations {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, GuardError> {
        let mut stations = Self {
            vnis: Table::take(object, "vnis")?,
            homes: Table::take(object, "homes")?,
            neighbors: Table::take(object, "neighbors")?,
            members: Table::take(object, "members")?,
            rows: Arc::default(),
        };
        stations.look().map_err(failed("read the tables of stations"))?;
        Ok(stations)
    }

    /// Reads all rows.
    pub(super) fn look(&mut self) -> Result<Arc<Rows>, TableError> {
        let homes = self.homes.rows()?.into_iter();
        let homes = homes
            .filter_map(|(at, home)| Some((layout::station_of(&at)?, layout::home_of(&home)?)));
        let neighbors = self.neighbors.rows()?.into_iter();
        let neighbors = neighbors
            .filter_map(|(at, found)| Some((layout::spot_of(&at)?, layout::neighbor_of(&found))));
        let served = self.vnis.rows()?.into_iter();
        let served = served.filter_map(|(vni, how)| Some((layout::vni_of(vni)?, how))).collect();
        let mut members: BTreeMap<Vni, BTreeSet<Home>> = BTreeMap::new();
        for (seat, home) in self.members.rows()? {
            let Some(((vni, _), home)) = layout::seat_of(&seat).zip(layout::home_of(&home)) else {
                continue;
            };
            members.entry(vni).or_default().insert(home);
        }
        let mut rows = Rows::of(homes.collect(), neighbors.collect());
        (rows.served, rows.members) = (served, members);
        self.rows = Arc::new(rows);
        Ok(Arc::clone(&self.rows))
    }

    /// Takes over what another set of tables holds; says whether that is all.
    pub(super) fn inherit(&mut self, older: &Path) -> Result<bool, GuardError> {
        let moved = [
            self.vnis.inherit(older),
            self.homes.inherit(older),
            self.neighbors.inherit(older),
            self.members.inherit(older),
        ];
        let moved = moved.into_iter().collect::<Result<Vec<bool>, _>>();
        let moved = moved.map_err(failed("take over older tables"))?;
        self.look().map_err(failed("read the tables of stations"))?;
        Ok(!moved.contains(&false))
    }

    /// How full the tables are.
    pub(super) fn usage(&self) -> io::Result<[TableUse; 4]> {
        let (homes, neighbors) = self.rows.counts();
        Ok([
            self.homes.usage(homes)?,
            self.neighbors.usage(neighbors)?,
            self.members.usage(self.rows.members.values().map(BTreeSet::len).sum())?,
            self.vnis.usage(self.rows.served.len())?,
        ])
    }

    fn at_hand(&mut self) -> &mut Rows {
        Arc::make_mut(&mut self.rows)
    }

    /// Lets a network in.
    pub(crate) fn serve(&mut self, vni: Vni, by: Carrier) -> Result<(), GuardError> {
        let how = self.rows.served.get(&vni).copied().unwrap_or_default() | by as u32;
        self.at_hand().served.insert(vni, how);
        self.vnis.insert(vni.number(), how).map_err(failed("let a network in"))
    }

    /// Lets a network in no more, and forgets its stations, unless it still comes in another way.
    pub(crate) fn dismiss(&mut self, vni: Vni, by: Carrier) -> Result<(), GuardError> {
        let how = self.rows.served.get(&vni).copied().unwrap_or_default() & !(by as u32);
        if by == Carrier::Programs {
            self.forget(vni, |home| matches!(home, Home::Here(_)))?;
        }
        if how != 0 {
            self.at_hand().served.insert(vni, how);
            return self.vnis.insert(vni.number(), how).map_err(failed("shut a network out"));
        }
        self.at_hand().served.remove(&vni);
        self.vnis.remove(&vni.number()).map_err(failed("shut a network out"))?;
        self.forget(vni, |_| true)
    }

    /// Forgets addresses, members, and such stations of a network.
    fn forget(&mut self, vni: Vni, which: impl Fn(&Home) -> bool) -> Result<(), GuardError> {
        let homes = self.rows.homes_of(vni).filter(|(_, home)| which(home));
        let homes: Vec<MacAddr> = homes.map(|(mac, _)| mac).collect();
        whole(self.drop_homes(vni, &homes))?;
        let addresses: Vec<IpAddr> =
            self.rows.neighbors_of(vni).map(|(address, _)| address).collect();
        whole(self.drop_neighbors(vni, &addresses))?;
        self.write_members(vni, &BTreeSet::new())
    }

    /// Stations are there from now on. The answers are in their order.
    pub(crate) fn set_homes(
        &mut self,
        vni: Vni,
        homes: impl IntoIterator<Item = (MacAddr, Home)>,
    ) -> Answers {
        let homes: Vec<(MacAddr, Home)> = homes.into_iter().collect();
        let row = |&(mac, home): &_| (layout::station(vni, mac), layout::home(home));
        let answers = self.homes.insert_all(&homes.iter().map(row).collect::<Vec<_>>());
        let at_hand = Arc::make_mut(&mut self.rows);
        let answers = homes.into_iter().zip(answers).map(|((mac, home), answer)| {
            answer.map_err(failed("write a station's home"))?;
            at_hand.put_home((vni, mac), home);
            Ok(())
        });
        answers.collect()
    }

    /// Stations are on no other host; one that has come here stays.
    pub(crate) fn remove_owners(&mut self, vni: Vni, macs: &[MacAddr]) -> Answers {
        let here = |mac: &MacAddr| matches!(self.rows.home(&(vni, *mac)), Some(Home::Here(_)));
        let gone: Vec<MacAddr> = macs.iter().copied().filter(|mac| !here(mac)).collect();
        let answers = self.drop_homes(vni, &gone);
        spread(macs, &gone, answers)
    }

    /// Stations have these addresses from now on. The answers are in their order.
    pub(crate) fn set_neighbors(
        &mut self,
        vni: Vni,
        rows: impl IntoIterator<Item = (IpAddr, Neighbor)>,
    ) -> Answers {
        let rows: Vec<(IpAddr, Neighbor)> = rows.into_iter().collect();
        let row = |&(address, row): &_| (layout::spot(vni, address), layout::neighbor(row));
        let answers = self.neighbors.insert_all(&rows.iter().map(row).collect::<Vec<_>>());
        let at_hand = Arc::make_mut(&mut self.rows);
        let answers = rows.into_iter().zip(answers).map(|((address, row), answer)| {
            answer.map_err(failed("write an address"))?;
            at_hand.put_neighbor((vni, address), row);
            Ok(())
        });
        answers.collect()
    }

    /// No stations on other hosts have these addresses.
    pub(crate) fn remove_neighbors(&mut self, vni: Vni, addresses: &[IpAddr]) -> Answers {
        let local = |at: &IpAddr| self.rows.neighbor(vni, *at).is_some_and(|row| row.local);
        let gone: Vec<IpAddr> = addresses.iter().copied().filter(|at| !local(at)).collect();
        let answers = self.drop_neighbors(vni, &gone);
        spread(addresses, &gone, answers)
    }

    /// Settles a station behind an interface of this host, with these addresses and no others.
    pub(crate) fn settle(
        &mut self,
        at: At,
        interface: u32,
        addresses: &BTreeSet<IpAddr>,
    ) -> Result<(), GuardError> {
        let (vni, mac) = at;
        let rows = addresses.iter().map(|&address| (address, Neighbor { mac, local: true }));
        whole(self.set_neighbors(vni, rows))?;
        whole(self.set_homes(vni, [(mac, Home::Here(interface))]))?;
        let stale: Vec<_> = self.rows.own(at).filter(|own| !addresses.contains(own)).collect();
        whole(self.drop_neighbors(vni, &stale))
    }

    /// Forgets all stations behind an interface of this host, with their addresses, but for one.
    pub(crate) fn unsettle(
        &mut self,
        interface: u32,
        but: Option<At>,
    ) -> Result<BTreeSet<Vni>, GuardError> {
        let gone: Vec<At> = self.rows.behind(interface).filter(|at| Some(*at) != but).collect();
        for (vni, mac) in &gone {
            let stale: Vec<_> = self.rows.own((*vni, *mac)).collect();
            whole(self.drop_homes(*vni, &[*mac]))?;
            whole(self.drop_neighbors(*vni, &stale))?;
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
        let before = u32::try_from(before).unwrap_or(u32::MAX);
        let rows = (0..).zip(members).map(|(n, home)| (layout::seat(vni, n), layout::home(*home)));
        for answer in self.members.insert_all(&rows.collect::<Vec<_>>()) {
            answer.map_err(what())?;
        }
        let seats = (0..before).skip(members.len()).map(|number| layout::seat(vni, number));
        for answer in self.members.remove_all(&seats.collect::<Vec<_>>()) {
            answer.map_err(what())?;
        }
        match members.is_empty() {
            true => drop(self.at_hand().members.remove(&vni)),
            false => drop(self.at_hand().members.insert(vni, members.clone())),
        }
        Ok(())
    }

    fn drop_homes(&mut self, vni: Vni, macs: &[MacAddr]) -> Answers {
        let keys: Vec<_> = macs.iter().map(|mac| layout::station(vni, *mac)).collect();
        let answers = self.homes.remove_all(&keys).into_iter();
        let at_hand = Arc::make_mut(&mut self.rows);
        macs.iter().for_each(|mac| at_hand.take_home(&(vni, *mac)));
        answers.map(|answer| answer.map_err(failed("forget a station"))).collect()
    }

    fn drop_neighbors(&mut self, vni: Vni, addresses: &[IpAddr]) -> Answers {
        let keys: Vec<_> = addresses.iter().map(|at| layout::spot(vni, *at)).collect();
        let answers = self.neighbors.remove_all(&keys).into_iter();
        let at_hand = Arc::make_mut(&mut self.rows);
        addresses.iter().for_each(|at| at_hand.take_neighbor((vni, *at)));
        answers.map(|answer| answer.map_err(failed("forget an address"))).collect()
    }
}

/// All or the first refusal.
fn whole(answers: Answers) -> Result<(), GuardError> {
    answers.into_iter().collect()
}

/// Answers about some, as answers about all: the rest had nothing to be done.
fn spread<T: PartialEq>(all: &[T], some: &[T], answers: Answers) -> Answers {
    let mut answered = some.iter().zip(answers).peekable();
    let answer =
        |one: &T| answered.next_if(|(of, _)| *of == one).map_or(Ok(()), |(_, answer)| answer);
    all.iter().map(answer).collect()
}
