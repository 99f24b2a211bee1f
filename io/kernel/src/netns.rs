//! Network namespaces: finding, making, entering and removing them.
//!
//! A thread is in one namespace, so whatever is done inside another one is done on a thread of its
//! own, which ends there: a tokio worker never changes its namespace.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::statfs::{NSFS_MAGIC, statfs};

/// Where named namespaces are, as iproute2 has it.
pub(crate) const DIRECTORY: &str = "/run/netns";

/// The calling thread's own namespace. Not `/proc/self`: that is the main thread's.
const OWN: &str = "/proc/thread-self/ns/net";

/// A network namespace that is kept alive by this handle.
#[derive(Clone, Debug)]
pub struct Netns {
    file: Arc<File>,
    inode: u64,
}

impl Netns {
    /// The calling thread's namespace.
    ///
    /// # Errors
    ///
    /// If `/proc` is not there.
    pub fn current() -> io::Result<Self> {
        Self::open(Path::new(OWN))
    }

    /// The namespace behind a path such as Docker's `SandboxKey`.
    ///
    /// # Errors
    ///
    /// If there is no namespace: `InvalidInput` for a file that is no namespace (yet).
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if nix::sys::statfs::fstatfs(&file)?.filesystem_type() != NSFS_MAGIC {
            let text = format!("{} is no network namespace", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let inode = file.metadata()?.ino();
        Ok(Self { file: Arc::new(file), inode })
    }

    /// The namespace that `ip netns` knows under this name.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn named(name: &str) -> io::Result<Self> {
        Self::open(&Path::new(DIRECTORY).join(name))
    }

    /// A process's namespace.
    ///
    /// # Errors
    ///
    /// If there is no such process.
    pub fn of_pid(pid: i32) -> io::Result<Self> {
        Self::open(Path::new(&format!("/proc/{pid}/ns/net")))
    }

    /// Makes a namespace that `ip netns` knows under this name.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if the name is taken; else what the kernel says.
    pub fn create(name: &str) -> io::Result<Self> {
        Self::create_in(Path::new(DIRECTORY), name)
    }

    /// As [`Self::create`], in another directory.
    ///
    /// # Errors
    ///
    /// As [`Self::create`].
    pub fn create_in(directory: &Path, name: &str) -> io::Result<Self> {
        share(directory)?;
        let path = directory.join(name);
        File::options().write(true).create_new(true).open(&path)?;
        let made = on_own_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            mount(Some(OWN), &path, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
            Self::current()
        });
        made.inspect_err(|_refused| drop(fs::remove_file(&path)))
    }

    /// Makes a namespace without a name. It lives as long as its handles and sockets.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn unnamed() -> io::Result<Self> {
        on_own_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            Self::current()
        })
    }

    /// Removes the name. The namespace itself lives on while somebody is in it.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is none; else what the kernel says.
    pub fn delete(name: &str) -> io::Result<()> {
        Self::delete_in(Path::new(DIRECTORY), name)
    }

    /// As [`Self::delete`], in another directory. A half-made name is removed as well.
    ///
    /// # Errors
    ///
    /// As [`Self::delete`].
    pub fn delete_in(directory: &Path, name: &str) -> io::Result<()> {
        let path = directory.join(name);
        while is_namespace(&path)? {
            umount2(&path, MntFlags::MNT_DETACH)?;
        }
        fs::remove_file(path)
    }

    /// Does something inside the namespace, on a thread of its own.
    ///
    /// # Errors
    ///
    /// If the namespace cannot be entered.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        on_own_thread(|| {
            setns(&self.file, CloneFlags::CLONE_NEWNET)?;
            Ok(work())
        })
    }

    /// The number that tells namespaces apart while they live.
    #[must_use]
    pub const fn inode(&self) -> u64 {
        self.inode
    }

    /// For `IFLA_NET_NS_FD`.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

/// Whether a namespace is mounted at the path.
pub(crate) fn is_namespace(path: &Path) -> io::Result<bool> {
    Ok(statfs(path)?.filesystem_type() == NSFS_MAGIC)
}

/// Makes the directory a shared mount, as iproute2 does: a name that is removed here is then
/// removed for all who copied this mount namespace, and does not pin what it named.
fn share(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let _locked = Flock::lock(File::open(directory)?, FlockArg::LockExclusive)
        .map_err(|(_file, error)| error)?;
    let flags = MsFlags::MS_SHARED | MsFlags::MS_REC;
    let shared = || mount(None::<&str>, directory, None::<&str>, flags, None::<&str>);
    if shared().is_err() {
        let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
        mount(Some(directory), directory, None::<&str>, bind, None::<&str>)?;
        shared()?;
    }
    Ok(())
}

fn on_own_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("netns".into()).spawn_scoped(scope, work)?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
