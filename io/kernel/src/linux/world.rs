//! What the kernel's edge keeps between calls: sockets, one per namespace.
//!
//! A socket pins its namespace. So the list is compared with the directory before each use, and a
//! namespace that lost its name loses its socket too.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use weft_model::Vni;
use weft_plan::{Firewall, FirewallSeen, PassageSeen};

use super::firewall::Refused;
use super::generation::Generation;
use super::settings::Settings;
use crate::Netns;
use crate::guard::Keeper;
use crate::netlink::Rtnl;
use crate::netns::is_namespace;

/// What every segment's namespace is called, before its number.
const PREFIX: &str = "weft-";

/// The host's own namespace and all segments.
#[derive(Debug)]
pub(super) struct World {
    pub(super) host: Netns,
    pub(super) directory: PathBuf,
    pub(super) rtnl: Rtnl,
    pub(super) spaces: BTreeMap<Vni, Space>,
    pub(super) generation: Generation,
    pub(super) guard: Keeper,
    /// What the packet filter held last, and the ruleset generation it belongs to.
    pub(super) listed: Option<(u32, Filter)>,
    /// What this kernel's `nft` lists for what was last written.
    pub(super) written: Option<(Firewall, Vec<Value>)>,
    pub(super) refused: Refused,
}

/// What the packet filter holds that is Weft's.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) firewall: FirewallSeen,
    pub(super) passage: PassageSeen,
}

/// One segment's namespace.
#[derive(Debug)]
pub(super) struct Space {
    pub(super) netns: Netns,
    pub(super) rtnl: Rtnl,
    pub(super) settings: Settings,
}

impl Space {
    pub(super) fn open(netns: Netns) -> io::Result<Self> {
        let rtnl = Rtnl::open(&netns)?;
        Ok(Self { netns, rtnl, settings: Settings::default() })
    }
}

impl World {
    pub(super) fn open(host: Netns, directory: &Path) -> io::Result<Self> {
        Ok(Self {
            rtnl: Rtnl::open(&host)?,
            generation: Generation::open(&host)?,
            guard: Keeper::new(&host),
            host,
            directory: directory.to_owned(),
            spaces: BTreeMap::new(),
            listed: None,
            written: None,
            refused: Refused::default(),
        })
    }

    /// Opens what is new and closes what is gone. The answer is the names that lead to nothing.
    pub(super) fn refresh(&mut self) -> io::Result<Vec<Vni>> {
        let mut dead = Vec::new();
        let mut alive = BTreeMap::new();
        for (vni, path) in names(&self.directory)? {
            match self.space(vni, &path)? {
                Some(space) => drop(alive.insert(vni, space)),
                None => dead.push(vni),
            }
        }
        self.spaces = alive;
        Ok(dead)
    }

    fn space(&mut self, vni: Vni, path: &Path) -> io::Result<Option<Space>> {
        if !is_namespace(path)? {
            return Ok(None);
        }
        let inode = fs::metadata(path)?.ino();
        match self.spaces.remove(&vni).filter(|space| space.netns.inode() == inode) {
            Some(known) => Ok(Some(known)),
            None => Space::open(Netns::open(path)?).map(Some),
        }
    }
}

/// The sockets of the host's namespace and of all segments'.
pub(super) fn sockets<'a>(
    host: &'a mut Rtnl,
    spaces: &'a mut BTreeMap<Vni, Space>,
) -> Vec<&'a mut Rtnl> {
    std::iter::once(host).chain(spaces.values_mut().map(|space| &mut space.rtnl)).collect()
}

/// A segment's namespace's name.
pub(super) fn name_of(vni: Vni) -> String {
    format!("{PREFIX}{vni}")
}

/// All segments' names in the directory, whether or not they lead to a namespace.
pub(super) fn names(directory: &Path) -> io::Result<Vec<(Vni, PathBuf)>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        names.extend(vni_of(&entry.file_name().to_string_lossy()).map(|vni| (vni, entry.path())));
    }
    Ok(names)
}

fn vni_of(name: &str) -> Option<Vni> {
    let number: u32 = name.strip_prefix(PREFIX)?.parse().ok()?;
    number.try_into().ok().filter(|&vni| name_of(vni) == name)
}
