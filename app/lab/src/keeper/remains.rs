//! What a lab leaves on the machine while it runs, and how all of it goes away.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::LabError;
use crate::error::{NEED_ROOT, OrHint};
use crate::spec::{self, host_number};

/// How long control groups of dead processes may stay busy.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a sweep may hold the lock of a lab.
const SWEEP_TIME: Duration = Duration::from_secs(1);

/// Claims the name of a lab for as long as the returned file is open.
pub(super) fn claim(name: &str) -> Result<File, LabError> {
    let what = format!("create the lab {name}");
    let deadline = Instant::now() + SWEEP_TIME;
    loop {
        let file = create_lock(name).or_hint(&what, NEED_ROOT)?;
        match file.try_lock() {
            Ok(()) if is_still_there(name, &file) => return Ok(file),
            Ok(()) => {}
            // Somebody's sweep may be looking at it.
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => {
                let hint = format!("`weft lab down --name {name}`, or choose another --name");
                return Err(LabError::new(what, "it runs already", hint));
            }
            Err(TryLockError::Error(error)) => return Err(LabError::new(what, error, NEED_ROOT)),
        }
    }
}

/// Creates a directory, also while a sweep removes its parent for being empty.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    match fs::create_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(path),
        made => made,
    }
}

fn create_lock(name: &str) -> io::Result<File> {
    let create = || {
        create_directory(&spec::run(name))?;
        File::create(lock_file(name))
    };
    create().or_else(|error| match error.kind() {
        // It was swept at this moment.
        io::ErrorKind::NotFound => create(),
        _ => Err(error),
    })
}

/// Clears what labs have left whose keepers were killed; the names of those that run remain.
pub(crate) fn sweep() -> Vec<String> {
    let entries = fs::read_dir(spec::run_root()).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| !sweep_one(name)).collect()
}

/// Clears the lab if nobody keeps it.
fn sweep_one(name: &str) -> bool {
    let Ok(file) = File::open(lock_file(name)) else { return true };
    if file.try_lock().is_err() {
        return false;
    }
    clear(name);
    true
}

/// Removes every trace of a lab whose processes are dead.
pub(crate) fn clear(name: &str) {
    clear_control_groups(name);
    for directory in [spec::disk(name), spec::run(name)] {
        // Whatever cannot be removed now is found by the next sweep.
        drop(fs::remove_dir_all(directory));
    }
    for root in [spec::disk_root(), spec::run_root()] {
        // Another lab may live there.
        drop(fs::remove_dir(root));
    }
}

/// Copies the logs of every host to `to`.
pub(super) fn keep_logs(name: &str, to: &Path) {
    for host in fs::read_dir(spec::disk(name)).into_iter().flatten().flatten() {
        let target = to.join(name).join(host.file_name());
        // Logs are kept as well as possible: failing to keep them must not stop the clearing.
        drop(fs::create_dir_all(&target));
        for log in fs::read_dir(host.path().join("log")).into_iter().flatten().flatten() {
            drop(fs::copy(log.path(), target.join(log.file_name())));
        }
    }
}

fn lock_file(name: &str) -> PathBuf {
    spec::run(name).join("lock")
}

fn is_still_there(name: &str, file: &File) -> bool {
    let inode =
        |found: io::Result<fs::Metadata>| found.map(|found| (found.dev(), found.ino())).ok();
    inode(fs::metadata(lock_file(name))) == inode(file.metadata())
}

fn clear_control_groups(name: &str) {
    let prefix = format!("{}-", spec::cgroup_prefix(name));
    let is_ours = |entry: &fs::DirEntry| {
        let found = entry.file_name();
        let suffix = found.to_str().and_then(|found| found.strip_prefix(&prefix));
        suffix.and_then(host_number).is_some()
    };
    let deadline = Instant::now() + PATIENCE;
    for hierarchy in hierarchies() {
        let entries = fs::read_dir(hierarchy).into_iter().flatten().flatten();
        for group in entries.filter(is_ours) {
            remove_group(&group.path(), deadline);
        }
    }
}

/// Removes a control group and those in it; the kernel frees dead processes with a delay.
fn remove_group(group: &Path, deadline: Instant) {
    let children = fs::read_dir(group).into_iter().flatten().flatten();
    for child in children.filter(|child| child.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_group(&child.path(), deadline);
    }
    while let Err(error) = fs::remove_dir(group) {
        if error.raw_os_error() != Some(nix::libc::EBUSY) || Instant::now() > deadline {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Where control groups are mounted, in both versions.
fn hierarchies() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let cgroup = |line: &str| {
        let (mount, kind) = line.split_once(" - ")?;
        kind.starts_with("cgroup").then(|| mount.split(' ').nth(4).map(PathBuf::from)).flatten()
    };
    mounts.lines().filter_map(cgroup).collect()
}
