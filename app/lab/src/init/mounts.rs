//! The host's own view of the file system, which never touches the machine's.
//!
//! `/etc` and `/var/lib` become small tmpfs directories of links to the machine's entries, except
//! for those that a host has to itself. So nothing has to exist on the machine, and no kernel
//! feature is needed beyond tmpfs and bind mounts.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::LabError;
use crate::error::{NEED_ROOT, OrHint};
use crate::image::BUSYBOX;
use crate::spec::{GATEWAY, NAME_SERVERS, OUTSIDE, Order};
use crate::tool;

/// Where the machine's own directories stay reachable.
const MACHINE: &str = "/run/lab/machine";
/// Where the host's directory on the machine's disk is reachable.
pub(super) const DISK: &str = "/run/lab/disk";
/// The image for the host's Engine, inside the host.
pub(super) const IMAGE: &str = "/run/lab/busybox.tar";
/// The executable of the agent, inside the host.
pub(super) const PROGRAM: &str = "/run/lab/bin/weft";
/// What the agent reads, unless it is told something else.
const CONFIG: &str = "/etc/weft/weft.toml";
const PROGRAM_BUSYBOX: &str = "/run/lab/bin/busybox";
/// Directories of a host that outlive it, and where they are on its disk.
const DISKS: [(&str, &str); 5] = [
    ("/etc/docker", "etc-docker"),
    ("/etc/weft", "etc-weft"),
    ("/var/lib/docker", "docker"),
    ("/var/lib/containerd", "containerd"),
    ("/var/lib/weft", "weft"),
];
/// Entries of `/etc` and `/var/lib` that are not the machine's.
const OWN: [&str; 7] =
    ["docker", "weft", "containerd", "hosts", "hostname", "resolv.conf", "gai.conf"];

/// Makes the mounts of the host.
pub(super) fn make(order: &Order) -> Result<(), LabError> {
    attach("", "/", None, MsFlags::MS_PRIVATE | MsFlags::MS_REC)?;
    let root = order.engine_root.as_deref().unwrap_or_else(|| Path::new("/"));
    if let Some(root) = &order.engine_root {
        borrow_devices(root)?;
    }
    make_run(order, root)?;
    if order.engine_root.is_some() {
        change_root(root)?;
    }
    veil("/etc")?;
    veil("/var/lib")?;
    for (at, name) in DISKS {
        let source = Path::new(DISK).join(name);
        create(&source)?;
        create(at)?;
        bind(&source, at)?;
    }
    kernel_views()?;
    write_files(order).or_hint("write the files of the host", NEED_ROOT)
}

/// The host's own `/run`, with what it needs of the machine's disk.
fn make_run(order: &Order, root: &Path) -> Result<(), LabError> {
    let below = |path: &str| root.join(path.trim_start_matches('/'));
    attach("run", below("run"), Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV)?;
    for directory in ["/run/lock", "/run/lab/bin", DISK] {
        create(below(directory))?;
    }
    bind(&order.disk, below(DISK))?;
    let programs = [(order.exe.as_path(), PROGRAM), (Path::new(BUSYBOX), PROGRAM_BUSYBOX)];
    let image = order.image.as_deref().map(|image| (image, IMAGE));
    for (source, target) in programs.into_iter().chain(image).filter(|(path, _)| path.exists()) {
        let target = below(target);
        fs::write(&target, "").or_hint(format!("create {}", target.display()), NEED_ROOT)?;
        bind(source, target)?;
    }
    Ok(())
}

/// Makes a folder with another Debian a root that can be changed to.
fn borrow_devices(root: &Path) -> Result<(), LabError> {
    bind(root, root)?;
    for directory in ["dev", "sys"] {
        let machine = Path::new("/").join(directory);
        attach(machine, root.join(directory), None, MsFlags::MS_BIND | MsFlags::MS_REC)?;
    }
    Ok(())
}

/// Makes `root` the root of the mount namespace; nothing of the machine's remains but what was
/// bound below it.
fn change_root(root: &Path) -> Result<(), LabError> {
    let what = format!("change the root to {}", root.display());
    let machine = root.join(MACHINE.trim_start_matches('/')).join("root");
    create(&machine)?;
    nix::unistd::pivot_root(root, &machine).or_hint(&what, NEED_ROOT)?;
    nix::unistd::chdir("/").or_hint(&what, NEED_ROOT)?;
    let machine = Path::new(MACHINE).join("root");
    umount2(&machine, MntFlags::MNT_DETACH).or_hint(what, NEED_ROOT)
}

/// Replaces `directory` by a tmpfs of links to what it holds.
fn veil(directory: &str) -> Result<(), LabError> {
    let behind = PathBuf::from(format!("{MACHINE}{directory}"));
    create(&behind)?;
    attach(directory, &behind, None, MsFlags::MS_BIND | MsFlags::MS_REC)?;
    attach("lab", directory, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV)?;
    link_entries(&behind, Path::new(directory)).or_hint(format!("veil {directory}"), NEED_ROOT)
}

fn link_entries(behind: &Path, directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(behind)? {
        let name = entry?.file_name();
        if OWN.iter().any(|own| name == *own) {
            continue;
        }
        let original = behind.join(&name);
        // A link stays as it is: it may be relative to where it stands.
        let target = fs::read_link(&original).unwrap_or(original);
        symlink(target, directory.join(&name))?;
    }
    Ok(())
}

/// What the machine has mounted below `/sys` and a host needs: control groups, and the interface
/// through which Docker loads its `AppArmor` profile.
const VIEWS: [&str; 2] = ["/sys/fs/cgroup", "/sys/kernel/security"];

/// `/proc` of the PID namespace and `/sys` of the network namespace.
fn kernel_views() -> Result<(), LabError> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    for view in VIEWS {
        let aside = format!("{MACHINE}{view}");
        create(&aside)?;
        attach(view, &aside, None, MsFlags::MS_BIND | MsFlags::MS_REC)?;
    }
    attach("proc", "/proc", Some("proc"), flags)?;
    attach("sysfs", "/sys", Some("sysfs"), flags)?;
    for view in VIEWS {
        attach(format!("{MACHINE}{view}"), view, None, MsFlags::MS_MOVE)?;
    }
    // Only the bpf engine needs it, and that engine says so when it is missing.
    drop(attach("bpf", "/sys/fs/bpf", Some("bpf"), flags));
    Ok(())
}

fn write_files(order: &Order) -> io::Result<()> {
    let hosts: String =
        order.hosts.iter().map(|(name, address)| format!("{address} {name}\n")).collect();
    fs::write(
        "/etc/hosts",
        format!("127.0.0.1 localhost\n::1 localhost\n{hosts}{GATEWAY} {OUTSIDE}\n"),
    )?;
    fs::write("/etc/hostname", format!("{}\n", order.host))?;
    fs::write("/etc/resolv.conf", format!("nameserver {}\n", NAME_SERVERS[0]))?;
    let live_restore = order.live_restore;
    fs::write("/etc/docker/daemon.json", format!("{{\"live-restore\": {live_restore}}}\n"))?;
    let told = [("datapath", &order.datapath), ("attach", &order.attach)];
    let lines = told.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
    let lines: String = lines.map(|(key, value)| format!("{key} = \"{value}\"\n")).collect();
    if !lines.is_empty() && !Path::new(CONFIG).exists() {
        fs::write(CONFIG, lines)?;
    }
    // Minimal machines lack these; BusyBox stands in for them.
    for program in ["ping", "nslookup", "nc", "wget", "traceroute"] {
        let is_there = tool::PATH.split(':').any(|path| Path::new(path).join(program).exists());
        if !is_there {
            symlink("busybox", Path::new("/run/lab/bin").join(program))?;
        }
    }
    Ok(())
}

fn bind(source: &Path, target: impl AsRef<Path>) -> Result<(), LabError> {
    attach(source, target, None, MsFlags::MS_BIND)
}

fn attach(
    source: impl AsRef<Path>,
    target: impl AsRef<Path>,
    kind: Option<&str>,
    flags: MsFlags,
) -> Result<(), LabError> {
    let (source, target) = (source.as_ref(), target.as_ref());
    let options = (kind == Some("tmpfs")).then_some("mode=755");
    mount(Some(source), target, kind, flags, options)
        .or_hint(format!("mount {} on {}", source.display(), target.display()), NEED_ROOT)
}

fn create(directory: impl AsRef<Path>) -> Result<(), LabError> {
    let directory = directory.as_ref();
    let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(directory);
    made.or_hint(format!("create {}", directory.display()), NEED_ROOT)
}
