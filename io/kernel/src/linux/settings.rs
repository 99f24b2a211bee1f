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

/// Whether an interface takes part in IPv6.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ipv6 {
    On,
    Off,
}

/// Switches IPv6 for an interface (or `default`) of the calling thread's namespace.
pub(super) fn set_ipv6(interface: &str, ipv6: Ipv6) -> io::Result<()> {
    let digit = match ipv6 {
        Ipv6::On => "0",
        Ipv6::Off => "1",
    };
    write_ipv6(interface, "disable_ipv6", digit)
}

/// Prepares the calling thread's namespace, which is new: what is made in it has no IPv6, and no
/// address even where it is switched on.
pub(super) fn prepare() -> io::Result<()> {
    set_ipv6("default", Ipv6::Off)?;
    without_addresses("default")
}

/// Lets an interface of the calling thread's namespace have no link-local address, and none that
/// a router offers.
pub(super) fn without_addresses(interface: &str) -> io::Result<()> {
    write_ipv6(interface, "accept_ra", "0")?;
    write_ipv6(interface, "addr_gen_mode", "1")
}

fn write_ipv6(interface: &str, setting: &str, value: &str) -> io::Result<()> {
    match fs::write(format!("/proc/sys/net/ipv6/conf/{interface}/{setting}"), value) {
        // A kernel without IPv6 is as good.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        written => written,
    }
}

/// Lets what comes in by an interface of the calling thread's namespace be forwarded. Of the host's
/// routes a program learns nothing for packets that came in by another (`bpf_ipv4_fib_lookup`).
pub(super) fn let_forward(interface: &str) -> io::Result<()> {
    fs::write(format!("/proc/sys/net/ipv4/conf/{interface}/forwarding"), "1")
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
