//! The switch between the hosts: a bridge in the keeper's own network namespace.

use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};

use crate::LabError;
use crate::error::{NEED_ROOT, OrHint};
use crate::faults::Faults;
use crate::tool;

const BRIDGE: &str = "fabric";
/// How long a link may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Moves the process into a new network namespace that holds nothing but a bridge.
pub(super) fn make() -> Result<(), LabError> {
    unshare(CloneFlags::CLONE_NEWNET).or_hint("create a network namespace", NEED_ROOT)?;
    tool::ip(&format!(
        "link add {BRIDGE} type bridge mcast_snooping 0 stp_state 0\nlink set {BRIDGE} addrgenmode none up\n"
    ))?;
    for family in ["iptables", "ip6tables", "arptables"] {
        // Without br_netfilter the file does not exist, and there is nothing to turn off.
        drop(std::fs::write(format!("/proc/sys/net/bridge/bridge-nf-call-{family}"), "0"));
    }
    load(&Faults::default())
}

/// Makes the links as faulty as `faults` says, and no more.
pub(super) fn load(faults: &Faults) -> Result<(), LabError> {
    tool::nft(&faults.ruleset())
}

/// Plugs the namespace of process `pid` into port `port`; its end is `eth0`.
///
/// The MAC address belongs to the port, so that a host keeps it when it starts again.
pub(super) fn plug(port: &str, number: u8, pid: u32) -> Result<(), LabError> {
    tool::ip(&format!(
        "link add {port} type veth peer name eth0 address 02:77:65:66:74:{number:02x} netns {pid}\n\
         link set {port} addrgenmode none master {BRIDGE} up\n"
    ))
}

/// Waits until port `port` forwards: the kernel may look at a new carrier only once a second.
pub(super) fn await_link(port: &str) -> Result<(), LabError> {
    let deadline = Instant::now() + PATIENCE;
    let what = format!("wait for the link of {port}");
    while !tool::bridge(&["link", "show", "dev", port])?.contains("state forwarding") {
        if Instant::now() > deadline {
            return Err(LabError::new(what, "its port does not forward", "see `dmesg`"));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Unplugs what may still be in port `port`: the kernel takes its time after a host has died.
pub(super) fn unplug(port: &str) {
    drop(tool::ip(&format!("link del {port}\n")));
}
