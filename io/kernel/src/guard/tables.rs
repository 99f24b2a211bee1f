//! The programs' tables, written and read.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use aya::Ebpf;
use aya::maps::{Array, Map, MapData, MapError, PerCpuArray, PerCpuHashMap};
use weft_path::Reason;
use weft_plan::{Door, Gate};

use super::error::{TableError, failed};
use super::layout::{self, Address, Config, Entry, PortBytes};
use super::stations::Stations;
use super::table::Table;
use super::{GuardError, TableUse, reasons};

/// `IPPROTO_TCP` and `IPPROTO_UDP`.
const TCP: u32 = 6;
const UDP: u32 = 17;

/// `struct way`, which the programs alone read and write.
type Way = [u8; 48];

/// All tables that the agent writes, and the counters.
pub(crate) struct Tables {
    config: Array<MapData, Config>,
    peers: Table<Address, u32>,
    doors: Table<u32, u32>,
    ways: PerCpuHashMap<MapData, Address, Way>,
    ports: Table<u32, PortBytes>,
    drops: PerCpuArray<MapData, u64>,
    /// The rows of all networks.
    pub(crate) stations: Stations,
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}

impl Tables {
    pub(super) fn take(object: &mut Ebpf) -> Result<Self, GuardError> {
        Ok(Self {
            config: take(object, "config")?,
            peers: Table::take(object, "peers")?,
            doors: Table::take(object, "doors")?,
            ways: take(object, "ways")?,
            ports: Table::take(object, "ports")?,
            drops: take(object, "drops")?,
            stations: Stations::take(object)?,
        })
    }

    /// Takes over what another set of tables holds; says whether that is all. A table whose rows
    /// have another form has another name too, and is filled by whoever reconciles.
    pub(super) fn inherit(&mut self, older: &Path) -> Result<bool, GuardError> {
        if let Ok(config) = pinned::<Array<MapData, Config>>(older, "config") {
            let config = config.get(&0, 0).map_err(failed("read the older configuration"))?;
            self.config.set(0, config, 0).map_err(failed("write the guard's configuration"))?;
        }
        if let Ok(drops) = pinned::<PerCpuArray<MapData, u64>>(older, "drops") {
            let mut count = |number| self.drops.set(number, drops.get(&number, 0)?, 0);
            let counted = reasons::all().try_for_each(|(number, _)| match count(number) {
                // It counted fewer reasons.
                Err(MapError::OutOfBounds { .. }) => Ok(()),
                counted => counted,
            });
            counted.map_err(failed("take over what was counted"))?;
        }
        let moved =
            [self.peers.inherit(older), self.doors.inherit(older), self.ports.inherit(older)];
        let moved = moved.into_iter().collect::<Result<Vec<bool>, _>>();
        let moved = moved.map_err(failed("take over older tables"))?;
        Ok(self.stations.inherit(older)? && !moved.contains(&false))
    }

    /// Lets in who is new before it shuts out who is not any more.
    pub(super) fn set_gate(&mut self, gate: &Gate) -> Result<(), GuardError> {
        let peers = gate.guard.peers.iter().copied().map(layout::address).collect();
        let doors = gate.doors.iter().copied().map(number_of).collect();
        write(&mut self.peers, &peers).map_err(failed("write the table of peers"))?;
        write(&mut self.doors, &doors).map_err(failed("write the table of doors"))?;
        self.forget_ways(&peers).map_err(failed("forget ways to other hosts"))?;
        let shared = self.shared().map_err(failed("read the guard's configuration"))?;
        self.configure(gate, shared)
    }

    fn configure(&mut self, gate: &Gate, shared: u32) -> Result<(), GuardError> {
        let config = self.config.set(0, layout::config(gate, shared), 0);
        config.map_err(failed("write the guard's configuration"))
    }

    /// The number of the VXLAN device of all networks, or 0.
    pub(super) fn shared(&self) -> Result<u32, MapError> {
        Ok(layout::shared_of(&self.config()?))
    }

    fn config(&self) -> Result<Config, MapError> {
        self.config.get(&0, 0)
    }

    /// Tells the programs of that device.
    pub(crate) fn set_shared(&mut self, number: u32) -> Result<(), GuardError> {
        let gate = self.gate().map_err(failed("read the guard's configuration"))?;
        self.configure(&gate, number)
    }

    /// The programs make the rows; those of hosts that are no peers any more are in nobody's way.
    fn forget_ways(&mut self, peers: &BTreeSet<Address>) -> Result<(), MapError> {
        let known = self.ways.keys().collect::<Result<Vec<_>, _>>()?;
        let gone = known.iter().filter(|host| !peers.contains(*host));
        gone.into_iter().try_for_each(|host| self.ways.remove(host))
    }

    pub(super) fn gate(&self) -> io::Result<Gate> {
        let mut gate =
            layout::config_of(&self.config().map_err(io::Error::other)?).unwrap_or_default();
        let peers = self.peers.rows().map_err(io::Error::other)?.into_iter();
        gate.guard.peers = peers.filter_map(|(peer, _)| layout::address_of(peer)).collect();
        let doors = self.doors.rows().map_err(io::Error::other)?.into_iter();
        gate.doors = doors.filter_map(|(door, _)| door_of(door)).collect();
        Ok(gate)
    }

    pub(super) fn set_port(&mut self, number: u32, entry: &Entry) -> Result<(), GuardError> {
        let bytes = entry.bytes().ok_or("it has too many addresses");
        let bytes = bytes.map_err(failed("guard a port"))?;
        self.ports.insert(number, bytes).map_err(failed("guard a port"))
    }

    /// A port is gone, and whoever was behind it.
    pub(crate) fn remove_port(&mut self, number: u32) -> Result<(), GuardError> {
        for vni in self.stations.unsettle(number, None)? {
            self.stations.seat(vni)?;
        }
        self.ports.remove(&number).map_err(failed("forget a port"))
    }

    /// All ports; nothing instead of an entry that is not understood.
    pub(super) fn ports(&self) -> Result<BTreeMap<u32, Option<Entry>>, TableError> {
        let rows = self.ports.rows()?.into_iter();
        Ok(rows.map(|(number, bytes)| (number, Entry::read(&bytes))).collect())
    }

    /// How full they are.
    pub(super) fn usage(&self) -> io::Result<Vec<TableUse>> {
        let ports = self.ports.rows().map_err(io::Error::other)?.len();
        let peers = self.peers.rows().map_err(io::Error::other)?.len();
        let rest = [self.ports.usage(ports)?, self.peers.usage(peers)?];
        Ok(self.stations.usage()?.into_iter().chain(rest).collect())
    }

    pub(super) fn drops(&self) -> Result<BTreeMap<Reason, u64>, MapError> {
        let count = |(number, reason)| {
            let counts = self.drops.get(&number, 0)?;
            Ok((reason, counts.iter().sum()))
        };
        reasons::all().map(count).collect()
    }
}

/// How many rows there is room for in the tables that grow with the number of stations. One may
/// have an address of each family.
pub(super) const fn sizes(stations: u32) -> [(&'static str, u32); 3] {
    [("homes", stations), ("neighbors", stations.saturating_mul(2)), ("members", stations)]
}

/// A table of another set.
pub(super) fn pinned<T: TryFrom<Map, Error = MapError>>(
    set: &Path,
    name: &str,
) -> Result<T, MapError> {
    T::try_from(Map::from_map_data(MapData::from_pin(set.join(name))?)?)
}

pub(super) fn take<T: TryFrom<Map, Error = MapError>>(
    object: &mut Ebpf,
    name: &str,
) -> Result<T, GuardError> {
    let map = object.take_map(name).ok_or("it is not in the object");
    let map = map.map_err(failed(format!("find table `{name}`")))?;
    T::try_from(map).map_err(failed(format!("open table `{name}`")))
}

/// Makes a table of keys hold these, new ones first.
fn write<K: aya::Pod + Ord>(
    table: &mut Table<K, u32>,
    keys: &BTreeSet<K>,
) -> Result<(), TableError> {
    let rows: Vec<(K, u32)> = keys.iter().map(|key| (*key, 1)).collect();
    table.insert_all(&rows).into_iter().collect::<Result<(), _>>()?;
    let old = table.rows()?.into_iter().map(|(key, _)| key);
    let gone: Vec<K> = old.filter(|key| !keys.contains(key)).collect();
    table.remove_all(&gone).into_iter().collect()
}

const fn number_of(door: Door) -> u32 {
    match door {
        Door::Tcp(port) => TCP << 16 | port as u32,
        Door::Udp(port) => UDP << 16 | port as u32,
    }
}

fn door_of(number: u32) -> Option<Door> {
    let [_, protocol, high, low] = number.to_be_bytes();
    let port = u16::from_be_bytes([high, low]);
    match u32::from(protocol) {
        TCP => Some(Door::Tcp(port)),
        UDP => Some(Door::Udp(port)),
        _ => None,
    }
}
