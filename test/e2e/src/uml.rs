//! Another kernel: Debian's user-mode Linux, which has all of networking as modules.
//!
//! It sees this machine's files read-only, has no network, and is gone when its script ends.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::holds;

/// It takes some seconds; whatever takes longer than this hangs.
const LONG: Duration = Duration::from_secs(120);

/// Before the script: a small world with room for state, and the modules that are wanted.
const PRELUDE: &str = r#"#!/bin/bash
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mount --bind "$PROGRAMS" /mnt
for room in /run /tmp /var/lib; do mount -t tmpfs tmpfs $room; done
mkdir -p /run/netns /tmp/kernel/lib/modules
ln -s /usr/lib/uml/modules/$(uname -r) /tmp/kernel/lib/modules/$(uname -r)
for module in $MODULES; do modprobe -d /tmp/kernel $module || echo "no module $module"; done
ip link set lo up
"#;

/// What is put before it, so that it runs on processors with more registers than it knows.
const REGISTERS: &str = include_str!("uml/registers.c");

/// However the script ended.
const END: &str = "\necho o >/proc/sysrq-trigger\nsleep 60\n";

/// Boots it with `modules`, runs a shell script as root, and gives what that printed. The script
/// finds the folder `programs` under `/mnt`, wherever on this machine it is.
///
/// # Errors
///
/// If it is not installed, or does not end in time.
pub async fn uml(modules: &[&str], programs: &Path, script: &str) -> anyhow::Result<String> {
    let room = tempfile::tempdir().context("make a directory for the other kernel")?;
    let modules = modules.join(" ");
    let given = format!("MODULES=\"{modules}\"\nPROGRAMS=\"{}\"\n", programs.display());
    boot(room.path(), &given, script).await
}

async fn boot(room: &Path, given: &str, script: &str) -> anyhow::Result<String> {
    let init = room.join("init");
    let (shebang, prelude) = PRELUDE.split_once('\n').unwrap_or_default();
    std::fs::write(&init, format!("{shebang}\n{given}{prelude}{script}{END}"))?;
    std::fs::set_permissions(&init, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let registers = compiled(room).await?;
    let child = start(room, &init, &registers)?;
    let group = child.id().and_then(|pid| i32::try_from(pid).ok()).context("it has no pid")?;
    let ended = tokio::time::timeout(LONG, child.wait_with_output()).await;
    // Its guests' processes are of the same group; after a proper end there are none.
    killpg(Pid::from_raw(group), Signal::SIGKILL).ok();
    match ended {
        Ok(output) => Ok(String::from_utf8_lossy(&output?.stdout).into_owned()),
        Err(_elapsed) => bail!("the other kernel still runs after {LONG:?}"),
    }
}

async fn compiled(room: &Path) -> anyhow::Result<PathBuf> {
    let (source, library) = (room.join("registers.c"), room.join("registers.so"));
    std::fs::write(&source, REGISTERS)?;
    let made = Command::new("clang")
        .args(["-Wall", "-Werror", "-O2", "-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .output();
    let made = made.await.context("start clang: is it installed? (make setup)")?;
    let said = String::from_utf8_lossy(&made.stderr);
    holds(made.status.success(), || format!("registers.c: {said}"))?;
    Ok(library)
}

fn start(room: &Path, init: &Path, registers: &Path) -> anyhow::Result<Child> {
    Command::new("linux.uml")
        .args(["mem=512M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet"])
        .args(["con=null", "con0=null,fd:1"])
        .arg(format!("uml_dir={}", room.display()))
        .arg(format!("init={}", init.display()))
        .env("TMPDIR", room)
        .env("LD_PRELOAD", registers)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .process_group(0)
        .spawn()
        .context("start linux.uml: is user-mode-linux installed? (make setup)")
}
