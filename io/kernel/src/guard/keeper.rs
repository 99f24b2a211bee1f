//! Who keeps the guard: finds it in the kernel, or puts it there.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aya::EbpfLoader;
use aya::maps::MapError;
use aya::util::KernelVersion;
use nix::mount::{MsFlags, mount};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};
use tokio::sync::watch;
use weft_path::Reason;
use weft_plan::Gate;

use super::GuardError;
use super::error::failed;
use super::layout::Entry;
use super::programs::{Duty, Programs};
use super::stations::Rows;
use super::tables::Tables;
use crate::Netns;

/// `bpf/guard.c`, compiled by this crate's `build.rs`.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/guard.o"));
/// Where systemd mounts it, and everybody expects it.
const BPFFS: &str = "/sys/fs/bpf";
/// Tables of another layout are other tables: the number grows with each change in `bpf/maps.h`.
const MAPS: &str = "maps-2";
/// Ports are numbered from here on, where no kernel begins.
const FIRST_PORT: u32 = 1 << 30;

/// The names of interfaces by their numbers, for whoever tells of drops.
pub(super) type Names = Arc<Mutex<BTreeMap<u32, String>>>;

/// The guard of one host.
#[derive(Debug)]
pub(crate) struct Keeper {
    root: PathBuf,
    loaded: Option<Loaded>,
    impossible: Option<String>,
    pub(super) names: Names,
    /// Where the ring of samples is, once it is there.
    pub(super) ring: watch::Sender<Option<PathBuf>>,
}

#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) tables: Tables,
    pub(super) programs: Programs,
}

/// All that the guard holds at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// What it was told of the host.
    pub(crate) gate: Gate,
    /// What it knows of networks and their stations.
    pub(crate) rows: Rows,
    /// The number of the VXLAN device of all networks, as its programs know it, or 0.
    pub(crate) shared: u32,
    /// What it knows of ports; nothing for what is not understood.
    pub(crate) ports: BTreeMap<u32, Option<Entry>>,
    /// Where its programs stand.
    pub(crate) standing: BTreeMap<u32, Duty>,
}

impl Keeper {
    /// The guard of the host whose namespace this is. Nothing is done yet.
    pub(crate) fn new(host: &Netns) -> Self {
        let root = Path::new(BPFFS).join("weft").join(format!("net-{}", host.inode()));
        let (loaded, impossible) = (None, None);
        Self { root, loaded, impossible, names: Names::default(), ring: watch::Sender::new(None) }
    }

    /// Why there cannot be one, if that was found out.
    pub(crate) fn impossible(&self) -> Option<&str> {
        self.impossible.as_deref()
    }

    /// What it holds; nothing if there is none.
    pub(crate) fn look(&mut self) -> Result<Option<Snapshot>, io::Error> {
        if self.loaded.is_none() && self.root.exists() {
            self.open();
        }
        self.loaded.as_mut().map(Loaded::look).transpose()
    }

    /// Puts it into the kernel, or finds that this cannot be.
    pub(crate) fn open(&mut self) -> Option<&mut Loaded> {
        if self.loaded.is_none() && self.impossible.is_none() {
            match Loaded::open(&self.root) {
                Ok(loaded) => {
                    self.loaded = Some(loaded);
                    self.ring.send_replace(Some(self.root.join(MAPS).join("samples")));
                }
                Err(error) => {
                    let why = std::iter::successors(Some(&error as &dyn std::error::Error), |e| {
                        e.source()
                    });
                    let why = why.map(ToString::to_string).collect::<Vec<_>>().join(": ");
                    tracing::warn!(error = why, "the guard's programs cannot stand in this kernel");
                    self.impossible = Some(why);
                }
            }
        }
        self.loaded.as_mut()
    }

    /// It, if it stands.
    pub(crate) fn standing(&mut self) -> Option<&mut Loaded> {
        self.loaded.as_mut()
    }

    /// Takes it out of the kernel, with all that it counted.
    pub(crate) fn remove(&mut self) -> Result<(), GuardError> {
        self.loaded = None;
        self.ring.send_replace(None);
        match fs::remove_dir_all(&self.root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove the guard")(error))
            }
            _ => Ok(()),
        }
    }

    /// A number for the interface of a new port: no two ports of this host have the same,
    /// whichever namespaces they are in, since that is how their programs know them.
    pub(crate) fn number(&self) -> Result<u32, MapError> {
        let taken = match &self.loaded {
            Some(loaded) => loaded.tables.ports()?,
            None => BTreeMap::new(),
        };
        let random = || {
            let [a, b, c, d, ..] = RandomState::new().build_hasher().finish().to_ne_bytes();
            FIRST_PORT | (u32::from_ne_bytes([a, b, c, d]) >> 2)
        };
        let free = std::iter::repeat_with(random).find(|number| !taken.contains_key(number));
        Ok(free.unwrap_or(FIRST_PORT))
    }

    /// Remembers what interfaces are called.
    pub(crate) fn name(&self, names: impl IntoIterator<Item = (u32, String)>) {
        let mut known = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(names);
    }
}

impl Loaded {
    fn open(root: &Path) -> Result<Self, GuardError> {
        if KernelVersion::current().is_ok_and(|now| now < KernelVersion::new(6, 6, 0)) {
            return Err(failed("attach programs by TCX")("Linux before 6.6 does not have it"));
        }
        mount_bpffs().map_err(failed(format!("mount {BPFFS}")))?;
        for directory in [MAPS, "programs", "links"] {
            fs::create_dir_all(root.join(directory))
                .map_err(failed("make a directory for pins"))?;
        }
        let mut loader = EbpfLoader::new();
        let loaded = loader.default_map_pin_directory(root.join(MAPS)).load(OBJECT);
        let mut object = loaded.map_err(failed("load the guard's tables"))?;
        let programs = Programs::load(&mut object, root)?;
        Ok(Self { tables: Tables::take(&mut object)?, programs })
    }

    fn look(&mut self) -> io::Result<Snapshot> {
        let mut gone = Vec::new();
        let standing = self.programs.standing(|number| gone.push(number))?;
        for number in gone {
            self.tables.remove_port(number).map_err(io::Error::other)?;
        }
        Ok(Snapshot {
            gate: self.tables.gate().map_err(io::Error::other)?,
            rows: self.tables.stations.look().map_err(io::Error::other)?.clone(),
            shared: self.tables.shared().map_err(io::Error::other)?,
            ports: self.tables.ports().map_err(io::Error::other)?,
            standing: standing.into_iter().collect(),
        })
    }

    /// What it was told of the host.
    pub(crate) fn gate(&self) -> io::Result<Gate> {
        self.tables.gate().map_err(io::Error::other)
    }

    /// What was dropped, by reason.
    pub(crate) fn drops(&self) -> io::Result<BTreeMap<Reason, u64>> {
        self.tables.drops().map_err(io::Error::other)
    }

    /// What a port lets out, and the program that sees to it; the entry first.
    pub(crate) fn guard_port(
        &mut self,
        netns: &Netns,
        (name, number): (&str, u32),
        (entry, duty): (&Entry, Duty),
    ) -> Result<(), GuardError> {
        self.tables.set_port(number, entry)?;
        self.programs.attach(duty, netns, (name, number))
    }

    /// Puts the program at the VXLAN device of all networks, and tells the others of it.
    pub(crate) fn guard_shared(
        &mut self,
        netns: &Netns,
        (name, number): (&str, u32),
    ) -> Result<(), GuardError> {
        self.programs.attach(Duty::Shared, netns, (name, number))?;
        self.tables.set_shared(number)
    }

    /// Tells what the host lets in, and puts the programs where they belong.
    pub(crate) fn guard_host(
        &mut self,
        netns: &Netns,
        gate: &Gate,
        interfaces: &BTreeMap<u32, (String, Duty)>,
    ) -> Result<(), GuardError> {
        self.tables.set_gate(gate)?;
        for (number, (name, duty)) in interfaces {
            self.programs.attach(*duty, netns, (name, *number))?;
        }
        let standing = self.programs.standing(|_gone| {}).map_err(failed("list the programs"))?;
        let left =
            |(number, duty): &&(u32, Duty)| duty.is_hosts() && !interfaces.contains_key(number);
        standing
            .iter()
            .filter(left)
            .try_for_each(|(number, _)| self.programs.detach(*number))
            .map_err(failed("take a program from an interface"))
    }
}

fn mount_bpffs() -> io::Result<()> {
    if statfs(BPFFS)?.filesystem_type() == BPF_FS_MAGIC {
        return Ok(());
    }
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("bpf"), BPFFS, Some("bpf"), flags, Some("mode=0700")).map_err(Into::into)
}
