//! The programs' tables on a host, for tests that spoil them behind the agent's back.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use aya::maps::{HashMap, Map, MapData};
use weft_lab::Host;
use weft_model::MacAddr;

/// As `bpf/maps.h` has them.
type Address = [u8; 16];
type Station = [u8; 12];
type Home = [u8; 24];
type Spot = [u8; 24];
type Neighbor = [u8; 8];
type Port = [u8; 144];

/// Where a host's programs have what they know.
#[derive(Clone, Debug)]
pub struct Woven {
    pins: PathBuf,
}

impl Woven {
    /// Of a host whose guard stands.
    ///
    /// # Errors
    ///
    /// If nothing is pinned there.
    pub fn of(host: &Host) -> anyhow::Result<Self> {
        let root = PathBuf::from(format!("/proc/{}/root/sys/fs/bpf/weft", host.pid()));
        let number = fs::metadata(host.netns())?.ino();
        let pins = root.join(format!("net-{number}"));
        anyhow::ensure!(pins.is_dir(), "{} is not there", pins.display());
        Ok(Self { pins })
    }

    /// Nobody knows where a station is any more.
    ///
    /// # Errors
    ///
    /// If there is no such row.
    pub fn forget_home(&self, vni: u32, mac: MacAddr) -> anyhow::Result<()> {
        Ok(self.table::<Station, Home>("homes")?.remove(&station(vni, mac))?)
    }

    /// A station is on another host.
    ///
    /// # Errors
    ///
    /// If the table cannot be written.
    pub fn send_home(&self, vni: u32, mac: MacAddr, to: Ipv4Addr) -> anyhow::Result<()> {
        let mut row = [0; 24];
        row[..16].copy_from_slice(&to.to_ipv6_mapped().octets());
        Ok(self.table::<Station, Home>("homes")?.insert(station(vni, mac), row, 0)?)
    }

    /// Nobody has an address any more.
    ///
    /// # Errors
    ///
    /// If there is no such row.
    pub fn forget_neighbor(&self, vni: u32, address: Ipv4Addr) -> anyhow::Result<()> {
        Ok(self.table::<Spot, Neighbor>("neighbors")?.remove(&spot(vni, address))?)
    }

    /// Another station has an address.
    ///
    /// # Errors
    ///
    /// If the table cannot be written.
    pub fn set_neighbor(&self, vni: u32, address: Ipv4Addr, mac: MacAddr) -> anyhow::Result<()> {
        let mut row = [0; 8];
        row[..6].copy_from_slice(&mac.0);
        Ok(self.table::<Spot, Neighbor>("neighbors")?.insert(spot(vni, address), row, 0)?)
    }

    /// A host is no member any more.
    ///
    /// # Errors
    ///
    /// If there is no such row.
    pub fn forget_peer(&self, host: Ipv4Addr) -> anyhow::Result<()> {
        Ok(self.table::<Address, u32>("peers")?.remove(&host.to_ipv6_mapped().octets())?)
    }

    /// A network is not let in any more.
    ///
    /// # Errors
    ///
    /// If there is no such row.
    pub fn forget_network(&self, vni: u32) -> anyhow::Result<()> {
        Ok(self.table::<u32, u32>("vnis")?.remove(&vni)?)
    }

    /// Nobody knows what may come in by a port any more.
    ///
    /// # Errors
    ///
    /// If there is no such row.
    pub fn forget_port(&self, interface: u32) -> anyhow::Result<()> {
        Ok(self.table::<u32, Port>("ports")?.remove(&interface)?)
    }

    /// Takes the program from an interface.
    ///
    /// # Errors
    ///
    /// If none stands there.
    pub fn detach(&self, interface: u32) -> anyhow::Result<()> {
        let pin = self.pins.join("links").join(interface.to_string());
        fs::remove_file(&pin).with_context(|| pin.display().to_string())
    }

    fn table<K: aya::Pod, V: aya::Pod>(
        &self,
        name: &str,
    ) -> anyhow::Result<HashMap<MapData, K, V>> {
        let is_tables = |path: &Path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("maps-"))
        };
        let entries = fs::read_dir(&self.pins)?.collect::<Result<Vec<_>, _>>()?;
        let dir = entries.into_iter().map(|entry| entry.path()).find(|path| is_tables(path));
        let pin = dir.context("no tables are pinned")?.join(name);
        let data = MapData::from_pin(&pin).with_context(|| pin.display().to_string())?;
        Ok(HashMap::try_from(Map::HashMap(data))?)
    }
}

fn station(vni: u32, mac: MacAddr) -> Station {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&vni.to_ne_bytes());
    key[4..10].copy_from_slice(&mac.0);
    key
}

fn spot(vni: u32, address: Ipv4Addr) -> Spot {
    let mut key = [0; 24];
    key[..4].copy_from_slice(&vni.to_ne_bytes());
    key[8..].copy_from_slice(&address.to_ipv6_mapped().octets());
    key
}
