//! The programs' tables, written and read.

use std::collections::{BTreeMap, BTreeSet};

use aya::Ebpf;
use aya::maps::{Array, HashMap, Map, MapData, MapError, PerCpuArray, PerCpuHashMap};
use weft_path::Reason;
use weft_plan::{Door, Gate};

use super::error::failed;
use super::layout::{self, Address, Config, Entry, PortBytes};
use super::stations::Stations;
use super::{GuardError, reasons};

/// `IPPROTO_TCP` and `IPPROTO_UDP`.
const TCP: u32 = 6;
const UDP: u32 = 17;

pub(super) type Table<K, V> = HashMap<MapData, K, V>;
/// `struct way`, which the programs alone read and write.
type Way = [u8; 40];

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
            peers: take(object, "peers")?,
            doors: take(object, "doors")?,
            ways: take(object, "ways")?,
            ports: take(object, "ports")?,
            drops: take(object, "drops")?,
            stations: Stations::take(object)?,
        })
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
        Ok(layout::shared_of(&self.config.get(&0, 0)?))
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

    pub(super) fn gate(&self) -> Result<Gate, MapError> {
        let mut gate = layout::config_of(&self.config.get(&0, 0)?).unwrap_or_default();
        let peers = self.peers.keys().collect::<Result<Vec<_>, _>>()?;
        gate.guard.peers = peers.into_iter().filter_map(layout::address_of).collect();
        let doors = self.doors.keys().collect::<Result<Vec<_>, _>>()?;
        gate.doors = doors.into_iter().filter_map(door_of).collect();
        Ok(gate)
    }

    pub(super) fn set_port(&mut self, number: u32, entry: &Entry) -> Result<(), GuardError> {
        let bytes = entry.bytes().ok_or("it has too many addresses");
        let bytes = bytes.map_err(failed("guard a port"))?;
        self.ports.insert(number, bytes, 0).map_err(failed("guard a port"))
    }

    /// A port is gone, and whoever was behind it.
    pub(crate) fn remove_port(&mut self, number: u32) -> Result<(), GuardError> {
        for vni in self.stations.unsettle(number, None)? {
            self.stations.seat(vni)?;
        }
        remove(&mut self.ports, &number).map_err(failed("forget a port"))
    }

    /// All ports; nothing instead of an entry that is not understood.
    pub(super) fn ports(&self) -> Result<BTreeMap<u32, Option<Entry>>, MapError> {
        let read = |(number, bytes)| (number, Entry::read(&bytes));
        self.ports.iter().map(|row| row.map(read)).collect()
    }

    pub(super) fn drops(&self) -> Result<BTreeMap<Reason, u64>, MapError> {
        let count = |(number, reason)| {
            let counts = self.drops.get(&number, 0)?;
            Ok((reason, counts.iter().sum()))
        };
        reasons::all().map(count).collect()
    }
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
fn write<K: aya::Pod + Ord>(table: &mut Table<K, u32>, keys: &BTreeSet<K>) -> Result<(), MapError> {
    keys.iter().try_for_each(|key| table.insert(key, 1, 0))?;
    let old = table.keys().collect::<Result<Vec<K>, _>>()?;
    old.iter().filter(|key| !keys.contains(key)).try_for_each(|key| remove(table, key))
}

pub(super) fn remove<K: aya::Pod, V: aya::Pod>(
    table: &mut Table<K, V>,
    key: &K,
) -> Result<(), MapError> {
    match table.remove(key) {
        Err(MapError::SyscallError(error))
            if error.io_error.raw_os_error() == Some(nix::libc::ENOENT) =>
        {
            Ok(())
        }
        removed => removed,
    }
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
