//! Who keeps the guard: finds it in the kernel, or puts it there.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MsFlags, mount};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};
use tokio::sync::watch;
use weft_path::Reason;
use weft_plan::Gate;

use super::error::{TableError, failed};
use super::layout::Entry;
use super::programs::{Duty, Programs, Standing};
use super::rows::Rows;
use super::sets::{self, Set};
use super::site::Site;
use super::tables::Tables;
use super::{Attachment, GuardError, TableUse, clsact, needs};
use crate::netlink::Rtnl;
use crate::{Netns, causes};

/// Where systemd mounts it, and everybody expects it.
const BPFFS: &str = "/sys/fs/bpf";
/// So many stations there is room for, unless another number is asked for.
const ROOM: u32 = 1 << 17;
/// Ports are numbered from here on, where no kernel begins.
pub(crate) const FIRST_PORT: u32 = 1 << 30;

/// The names of interfaces by their numbers, for whoever tells of drops.
pub(super) type Names = Arc<Mutex<BTreeMap<u32, String>>>;

/// The guard of one host.
#[derive(Debug)]
pub(crate) struct Keeper {
    root: PathBuf,
    /// For how many stations.
    room: u32,
    attachment: Attachment,
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
    /// Where the tables are pinned.
    set: PathBuf,
}

/// All that the guard holds at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// What it was told of the host.
    pub(crate) gate: Gate,
    /// What it knows of networks and their stations.
    pub(crate) rows: Arc<Rows>,
    /// The number of the VXLAN device of all networks, as its programs know it, or 0.
    pub(crate) shared: u32,
    /// What it knows of ports; nothing for what is not understood.
    pub(crate) ports: BTreeMap<u32, Option<Entry>>,
    /// Where its programs stand.
    pub(crate) standing: BTreeMap<u32, Duty>,
}

impl Keeper {
    /// The guard of the host whose namespace this is. Nothing is done yet, but a kernel that is too old
    /// is known for it.
    pub(crate) fn new(host: &Netns) -> Self {
        let root = Path::new(BPFFS).join("weft").join(format!("net-{}", host.inode()));
        let (names, ring) = (Names::default(), watch::Sender::new(None));
        let attachment = Attachment::best(host);
        let impossible = needs::check().map_err(failed("load the programs"));
        let impossible = impossible.err().map(|error| without(&error));
        Self { root, room: ROOM, attachment, loaded: None, impossible, names, ring }
    }

    /// How programs are to be attached, if not as is best.
    pub(crate) const fn attach_by(&mut self, attachment: Attachment) {
        self.attachment = attachment;
    }

    /// How programs are attached.
    pub(crate) const fn attachment(&self) -> Attachment {
        self.attachment
    }

    /// For how many stations there is to be room, of all networks together.
    pub(crate) const fn make_room(&mut self, stations: u32) {
        self.room = stations;
    }

    /// Why there cannot be one, if that was found out.
    pub(crate) fn impossible(&self) -> Option<&str> {
        self.impossible.as_deref()
    }

    /// What it holds, in these namespaces; nothing if there is none.
    pub(crate) fn look(&mut self, sockets: &mut [&mut Rtnl]) -> io::Result<Option<Snapshot>> {
        if self.loaded.is_none() && self.root.exists() {
            self.open();
        }
        self.loaded.as_mut().map(|loaded| loaded.look(sockets)).transpose()
    }

    /// Puts it into the kernel, or finds that this cannot be.
    pub(crate) fn open(&mut self) -> Option<&mut Loaded> {
        if self.loaded.is_none() && self.impossible.is_none() {
            match Loaded::open(&self.root, self.room, self.attachment) {
                Ok(loaded) => {
                    self.ring.send_replace(Some(loaded.set.join("samples")));
                    self.loaded = Some(loaded);
                }
                Err(error) => self.impossible = Some(without(&error)),
            }
        }
        self.loaded.as_mut()
    }

    /// It, if it stands.
    pub(crate) fn standing(&mut self) -> Option<&mut Loaded> {
        self.loaded.as_mut()
    }

    /// Takes it out of the kernel and from all interfaces of these namespaces, with all that it
    /// counted.
    pub(crate) fn remove(&mut self, sockets: &mut [&mut Rtnl]) -> Result<(), GuardError> {
        self.loaded = None;
        self.ring.send_replace(None);
        let taken: Vec<_> = sockets.iter_mut().map(|rtnl| clsact::take_all(rtnl)).collect();
        match fs::remove_dir_all(&self.root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove the guard")(error))
            }
            _ => taken.into_iter().collect::<io::Result<()>>().map_err(failed("remove the guard")),
        }
    }

    /// A number for the interface of a new port: no two ports of this host have the same,
    /// whichever namespaces they are in, since that is how their programs know them.
    pub(crate) fn number(&self) -> Result<u32, TableError> {
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
    fn open(root: &Path, room: u32, by: Attachment) -> Result<Self, GuardError> {
        mount_bpffs().map_err(failed(format!("mount {BPFFS}")))?;
        for directory in ["programs", "links"] {
            fs::create_dir_all(root.join(directory))
                .map_err(failed("make a directory for pins"))?;
        }
        let Set { path, mut object, tables, whole } = sets::open(root, room)?;
        let mut programs = Programs::load(&mut object, root, by)?;
        if !whole {
            programs.hold();
        }
        Ok(Self { tables, programs, set: path })
    }

    fn look(&mut self, sockets: &mut [&mut Rtnl]) -> io::Result<Snapshot> {
        let mut ports = self.tables.ports().map_err(io::Error::other)?;
        let Standing { ours, older, gone } =
            self.programs.standing(sockets, ports.keys().copied())?;
        for number in gone {
            self.tables.remove_port(number).map_err(io::Error::other)?;
            ports.remove(&number);
        }
        if !older {
            sets::drop_others(&self.set)?;
        }
        Ok(Snapshot {
            gate: self.tables.gate()?,
            rows: self.tables.stations.look().map_err(io::Error::other)?,
            shared: self.tables.shared().map_err(io::Error::other)?,
            ports,
            standing: ours,
        })
    }

    /// All that was to be written is: programs that waited for that stand from now on.
    pub(crate) fn release(&mut self) -> Result<(), GuardError> {
        self.programs.release()
    }

    /// How full its tables are.
    pub(crate) fn usage(&self) -> io::Result<Vec<TableUse>> {
        self.tables.usage()
    }

    /// What it was told of the host.
    pub(crate) fn gate(&self) -> io::Result<Gate> {
        self.tables.gate()
    }

    /// What was dropped, by reason.
    pub(crate) fn drops(&self) -> io::Result<BTreeMap<Reason, u64>> {
        self.tables.drops().map_err(io::Error::other)
    }

    /// What a port lets out, and the program that sees to it; the entry first.
    pub(crate) fn guard_port(
        &mut self,
        site: &Site,
        (entry, duty): (&Entry, Duty),
    ) -> Result<(), GuardError> {
        self.tables.set_port(site.number, entry)?;
        self.programs.attach(duty, site)
    }

    /// Puts the program at the VXLAN device of all networks, and tells the others of it.
    pub(crate) fn guard_shared(&mut self, site: &Site) -> Result<(), GuardError> {
        self.programs.attach(Duty::Shared, site)?;
        self.tables.set_shared(site.number)
    }

    /// Tells what the host lets in, and puts the programs where they belong.
    pub(crate) fn guard_host(
        &mut self,
        (netns, rtnl): (&Netns, &mut Rtnl),
        gate: &Gate,
        interfaces: &BTreeMap<u32, (String, Duty)>,
    ) -> Result<(), GuardError> {
        self.tables.set_gate(gate)?;
        for (&number, (name, duty)) in interfaces {
            let site = Site { netns: netns.clone(), name: name.clone(), number };
            self.programs.attach(*duty, &site)?;
        }
        let standing = self.programs.standing(&mut [rtnl], std::iter::empty());
        let Standing { ours, gone, .. } = standing.map_err(failed("list the programs"))?;
        gone.into_iter().try_for_each(|number| self.tables.remove_port(number))?;
        let left =
            |(number, duty): &(u32, Duty)| duty.is_hosts() && !interfaces.contains_key(number);
        ours.into_iter()
            .filter(left)
            .try_for_each(|(number, _)| self.programs.detach(netns, number))
            .map_err(failed("take a program from an interface"))
    }
}

/// Tells that there is no guard; why.
fn without(error: &GuardError) -> String {
    let why = causes::told(error);
    tracing::warn!(error = why, "the guard's programs cannot stand in this kernel");
    why
}

/// Only one at a time looks and mounts: a second file system would cover what the first one's holder pins.
fn mount_bpffs() -> io::Result<()> {
    let directory = fs::File::open(BPFFS)?;
    let _locked =
        Flock::lock(directory, FlockArg::LockExclusive).map_err(|(_file, error)| error)?;
    if statfs(BPFFS)?.filesystem_type() == BPF_FS_MAGIC {
        return Ok(());
    }
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("bpf"), BPFFS, Some("bpf"), flags, Some("mode=0700")).map_err(Into::into)
}
