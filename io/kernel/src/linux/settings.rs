//! Kernel settings of a namespace: `/proc/sys/net` as a thread inside it sees it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::Netns;

/// There if `br_netfilter` is in the kernel. Docker loads it, possibly after our start, and then
/// each namespace has it on.
const BRIDGE: &str = "/proc/sys/net/bridge";
const CALLS: [&str; 3] =
    ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables", "bridge-nf-call-arptables"];

/// Open files of a namespace's `bridge-nf-call-*`: they can be read from any thread.
#[derive(Debug, Default)]
pub(super) struct Settings {
    calls: Vec<File>,
}

impl Settings {
    /// Whether bridged frames of this namespace go through the packet filter.
    pub(super) fn filters_bridged(&mut self, netns: &Netns) -> io::Result<bool> {
        if !Path::new(BRIDGE).exists() {
            self.calls.clear();
            return Ok(false);
        }
        if self.calls.is_empty() {
            self.calls = netns.run(open_calls)??;
        }
        let on = self.calls.iter().map(is_on).collect::<io::Result<Vec<_>>>();
        if on.is_err() {
            self.calls.clear();
        }
        Ok(on?.contains(&true))
    }
}

fn open_calls() -> io::Result<Vec<File>> {
    CALLS.iter().map(|call| File::open(Path::new(BRIDGE).join(call))).collect()
}

fn is_on(file: &File) -> io::Result<bool> {
    let mut digit = [0];
    file.read_exact_at(&mut digit, 0)?;
    Ok(digit != *b"0")
}

/// Keeps bridged frames of the calling thread's namespace away from the packet filter.
pub(super) fn bypass_filter() -> io::Result<()> {
    if !Path::new(BRIDGE).exists() {
        return Ok(());
    }
    CALLS.iter().try_for_each(|call| fs::write(Path::new(BRIDGE).join(call), "0"))
}

/// Switches IPv6 off for an interface (or `default`) of the calling thread's namespace.
pub(super) fn disable_ipv6(interface: &str) -> io::Result<()> {
    let path = format!("/proc/sys/net/ipv6/conf/{interface}/disable_ipv6");
    match fs::write(path, "1") {
        // A kernel without IPv6 is as good.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        written => written,
    }
}

const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";

/// Whether the calling thread's namespace forwards IPv4.
pub(super) fn forwards() -> io::Result<bool> {
    Ok(fs::read_to_string(FORWARDING)?.trim() != "0")
}

/// Lets the calling thread's namespace forward IPv4.
pub(super) fn forward() -> io::Result<()> {
    fs::write(FORWARDING, "1")
}

/// Prepares the calling thread's namespace, which is new: what is made in it has no IPv6.
pub(super) fn prepare() -> io::Result<()> {
    disable_ipv6("default")
}
