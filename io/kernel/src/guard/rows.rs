//! What the tables of stations hold, at hand: by what they are looked up in the kernel, and by what
//! the agent asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use weft_model::{MacAddr, Vni};

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

/// A MAC address of a network.
pub(crate) type At = (Vni, MacAddr);

/// All rows, in the kernel and at hand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    /// The networks that are let in, and how.
    pub(crate) served: BTreeMap<Vni, u32>,
    /// Whom broadcasts go to.
    pub(crate) members: BTreeMap<Vni, BTreeSet<Home>>,
    homes: BTreeMap<At, Home>,
    neighbors: BTreeMap<(Vni, IpAddr), Neighbor>,
    /// How many stations of a network each home has.
    audience: BTreeMap<Vni, BTreeMap<Home, usize>>,
    /// Stations behind an interface of this host.
    behind: BTreeMap<u32, BTreeSet<At>>,
    /// Addresses of stations of this host.
    own: BTreeMap<At, BTreeSet<IpAddr>>,
}

impl Rows {
    /// Where a station is.
    pub(crate) fn home(&self, at: &At) -> Option<Home> {
        self.homes.get(at).copied()
    }

    /// Who has an address.
    pub(crate) fn neighbor(&self, vni: Vni, address: IpAddr) -> Option<Neighbor> {
        self.neighbors.get(&(vni, address)).copied()
    }

    /// How many stations and addresses there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.homes.len(), self.neighbors.len())
    }

    /// Who must get a network's broadcasts. Stations here come first, as the programs expect.
    pub(crate) fn audience(&self, vni: Vni) -> BTreeSet<Home> {
        self.audience.get(&vni).into_iter().flat_map(BTreeMap::keys).copied().collect()
    }

    /// The stations behind an interface of this host.
    pub(crate) fn behind(&self, interface: u32) -> impl Iterator<Item = At> {
        self.behind.get(&interface).into_iter().flatten().copied()
    }

    /// The addresses of a station of this host.
    pub(crate) fn own(&self, at: At) -> impl Iterator<Item = IpAddr> {
        self.own.get(&at).into_iter().flatten().copied()
    }

    /// The stations of a network.
    pub(crate) fn homes_of(&self, vni: Vni) -> impl Iterator<Item = (MacAddr, Home)> {
        let rows = self.homes.range((vni, MacAddr([0; 6]))..);
        rows.take_while(move |((of, _), _)| *of == vni).map(|((_, mac), home)| (*mac, *home))
    }

    /// The addresses of a network.
    pub(crate) fn neighbors_of(&self, vni: Vni) -> impl Iterator<Item = (IpAddr, Neighbor)> {
        let rows = self.neighbors.range((vni, IpAddr::from([0, 0, 0, 0]))..);
        rows.take_while(move |((of, _), _)| *of == vni).map(|((_, at), row)| (*at, *row))
    }

    pub(super) fn put_home(&mut self, at: At, home: Home) {
        self.take_home(&at);
        self.homes.insert(at, home);
        *self.audience.entry(at.0).or_default().entry(home).or_default() += 1;
        if let Home::Here(interface) = home {
            self.behind.entry(interface).or_default().insert(at);
        }
    }

    pub(super) fn take_home(&mut self, at: &At) {
        let Some(home) = self.homes.remove(at) else { return };
        if let Some(homes) = self.audience.get_mut(&at.0)
            && let Some(count) = homes.get_mut(&home)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                homes.remove(&home);
            }
        }
        if let Home::Here(interface) = home
            && let Some(behind) = self.behind.get_mut(&interface)
        {
            behind.remove(at);
        }
    }

    pub(super) fn put_neighbor(&mut self, (vni, address): (Vni, IpAddr), row: Neighbor) {
        self.take_neighbor((vni, address));
        self.neighbors.insert((vni, address), row);
        if row.local {
            self.own.entry((vni, row.mac)).or_default().insert(address);
        }
    }

    pub(super) fn take_neighbor(&mut self, (vni, address): (Vni, IpAddr)) {
        let gone = self.neighbors.remove(&(vni, address)).filter(|row| row.local);
        if let Some(own) = gone.and_then(|row| self.own.get_mut(&(vni, row.mac))) {
            own.remove(&address);
        }
    }

    /// As the tables have them; sorted, so that the maps are built and not grown.
    pub(super) fn of(
        homes: BTreeMap<At, Home>,
        neighbors: BTreeMap<(Vni, IpAddr), Neighbor>,
    ) -> Self {
        let mut rows = Self::default();
        for (&at, &home) in &homes {
            *rows.audience.entry(at.0).or_default().entry(home).or_default() += 1;
            if let Home::Here(interface) = home {
                rows.behind.entry(interface).or_default().insert(at);
            }
        }
        for (&(vni, address), row) in neighbors.iter().filter(|(_, row)| row.local) {
            rows.own.entry((vni, row.mac)).or_default().insert(address);
        }
        Self { homes, neighbors, ..rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Home = Home::Here(7);

    fn at(mac: u8) -> At {
        (Vni::from_random(1), MacAddr([2, 0, 0, 0, 0, mac]))
    }

    #[test]
    fn what_is_asked_for_is_what_the_rows_say_after_any_changes() {
        let host = |last: u8| Home::At(IpAddr::from([192, 0, 2, last]));
        let mut grown = Rows::default();
        for (mac, home) in
            [(1, HERE), (2, host(1)), (3, host(1)), (1, host(2)), (3, HERE), (4, HERE)]
        {
            grown.put_home(at(mac), home);
        }
        grown.take_home(&at(4));
        let address = |last: u8| (at(1).0, IpAddr::from([10, 0, 0, last]));
        for (last, mac, local) in [(1, 3, true), (2, 3, true), (3, 3, false), (2, 2, false)] {
            grown.put_neighbor(address(last), Neighbor { mac: at(mac).1, local });
        }
        let built = Rows::of(grown.homes.clone(), grown.neighbors.clone());
        for rows in [&grown, &built] {
            assert_eq!(rows.audience(at(1).0), [HERE, host(1), host(2)].into());
            assert_eq!(rows.behind(7).collect::<Vec<_>>(), [at(3)]);
            assert_eq!(rows.own(at(3)).collect::<Vec<_>>(), [address(1).1]);
        }
    }
}
