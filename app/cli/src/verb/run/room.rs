//! The room that a command runs in: a fresh network namespace, and its own `/etc/resolv.conf`.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use tempfile::NamedTempFile;

use crate::failure::{Exit, Failure};

/// Caches that libc asks before it looks into `/etc/resolv.conf`; the host's, and deaf to Weft.
const CACHES: [&str; 2] = ["/run/systemd/resolve/io.systemd.Resolve", "/run/nscd/socket"];
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// Where the agent answers names in every namespace that it attaches.
const CONTENT: &str = "nameserver 127.0.0.11\n";

/// Keeps the file behind `/etc/resolv.conf`; dropped, its name is gone.
#[derive(Debug)]
pub(crate) struct Room {
    _resolv_conf: NamedTempFile,
}

/// Moves this thread, the only one, into a new room.
pub(crate) fn enter() -> Result<Room, Failure> {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).map_err(not_permitted)?;
    let resolv_conf = resolv_conf().map_err(|error| {
        let hint = "is there space in the directory for temporary files?";
        Failure::local("write a resolv.conf", &error, hint)
    })?;
    cover(resolv_conf.path()).map_err(|error| {
        Failure::local("mount over /etc/resolv.conf", &error, "the file must exist: `touch` it")
    })?;
    Ok(Room { _resolv_conf: resolv_conf })
}

/// This room's network namespace, as the agent finds it.
pub(crate) fn netns() -> PathBuf {
    PathBuf::from(format!("/proc/{}/ns/net", std::process::id()))
}

fn not_permitted(error: Errno) -> Failure {
    let failure =
        Failure::local("make a network namespace", &error, "only root may: run it with `sudo`");
    if error == Errno::EPERM { failure.ending(Exit::Missing) } else { failure }
}

/// Readable for every user: the command may become one.
fn resolv_conf() -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::with_prefix("weft-resolv-")?;
    file.write_all(CONTENT.as_bytes())?;
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    Ok(file)
}

/// Mounts `file` over `/etc/resolv.conf`, here and nowhere else: propagation is ended first.
fn cover(file: &Path) -> nix::Result<()> {
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    let mut caches = CACHES.iter().filter(|cache| Path::new(cache).exists());
    caches.try_for_each(|cache| bind(Path::new("/dev/null"), cache))?;
    bind(file, RESOLV_CONF)
}

fn bind(file: &Path, over: &str) -> nix::Result<()> {
    let none: Option<&str> = None;
    mount(Some(file), over, none, MsFlags::MS_BIND, none)
}
