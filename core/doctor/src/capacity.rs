//! What is about to be full: addresses, forwarding entries, the disk.

use crate::{Check, Finding, Severity};

/// A range of addresses, and how much of it is handed out to nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The network's name.
    pub network: String,
    /// How many addresses the range has.
    pub size: u128,
    /// How many of them nodes hold in blocks.
    pub taken: u128,
    /// Whether no further block can be had: some addresses are nobody's to lease.
    pub full: bool,
}

/// Of so many hundredths somebody should know.
const WARNED: u128 = 85;
/// Beyond so many forwarding entries a dump takes seconds, and with it each look at the kernel.
pub const MANY_ENTRIES: usize = 50_000;
/// Every change writes as much to the disk of every host.
const LARGE_REGISTRY: u64 = 32 << 20;
/// The agent's state and its neighbours need room to be written anew.
const LEAST_DISK: u64 = 64 << 20;
/// Somebody should know.
const SCARCE_DISK: u64 = 512 << 20;

/// Judges a network's addresses.
#[must_use]
pub fn addresses(host: &str, range: &Range) -> Option<Finding> {
    let Range { network, size, taken, full } = range;
    let percent = taken.saturating_mul(100).checked_div(*size)?;
    let (severity, share) = match percent {
        _ if *full => (Severity::Error, "all".to_owned()),
        WARNED.. => (Severity::Warning, format!("{percent} %")),
        _ => return None,
    };
    let what = format!("{share} of the addresses of network {network} are handed out to hosts");
    let why = "a host that needs a further block gets none, and containers on it do not start";
    let remedy = format!(
        "see who holds them: `weft network inspect {network}`; remove nodes that are gone: `weft \
         node rm`; or make a larger network: `weft network create NAME --subnet CIDR`"
    );
    Some(Finding::new(severity, Check::Capacity, host, [what, why.to_owned(), remedy]))
}

/// Judges how many forwarding entries the host has.
#[must_use]
pub fn entries(host: &str, count: usize) -> Option<Finding> {
    let what = format!("{count} forwarding entries for endpoints on other hosts");
    let why = "each look at the kernel takes long, and changes reach it late";
    let remedy = "split large networks, so that a host takes part only in what its containers need";
    let told = [what, why.to_owned(), remedy.to_owned()];
    (count > MANY_ENTRIES).then(|| Finding::new(Severity::Warning, Check::Capacity, host, told))
}

/// Judges the size of the registry, in bytes.
#[must_use]
pub fn registry(host: &str, size: u64) -> Option<Finding> {
    let what = format!("the registry has {} MiB", size >> 20);
    let why = "each host keeps a copy, and writes it anew whenever it changes";
    let remedy = "remove networks that nobody uses and nodes that are gone: `weft network rm`, \
        `weft node rm`";
    let told = [what, why.to_owned(), remedy.to_owned()];
    (size > LARGE_REGISTRY).then(|| Finding::new(Severity::Warning, Check::Capacity, host, told))
}

/// Judges the room that is left for the agent's state, in bytes.
#[must_use]
pub fn disk(host: &str, directory: &str, free: u64) -> Option<Finding> {
    let severity = match free {
        ..LEAST_DISK => Severity::Error,
        LEAST_DISK..SCARCE_DISK => Severity::Warning,
        _ => return None,
    };
    let what = format!("{} MiB are free where the agent keeps its state, {directory}", free >> 20);
    let why = "what cannot be written down is refused: containers do not start, and networks \
        cannot be made";
    let remedy = format!("make room: `df -h {directory}`, `docker system df`");
    Some(Finding::new(severity, Check::Capacity, host, [what, why.to_owned(), remedy]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_told_of_before_it_is_full() {
        let of = |taken, full| {
            let range = Range { network: "app".into(), size: 256, taken, full };
            addresses("a", &range).map(|f| f.severity)
        };
        assert_eq!(of(200, false), None);
        assert_eq!(of(240, false), Some(Severity::Warning));
        assert_eq!(of(250, true), Some(Severity::Error));
    }

    #[test]
    fn a_disk_is_told_of_before_it_is_full() {
        let of = |free| disk("a", "/var/lib/weft", free).map(|f| f.severity);
        assert_eq!(of(4 << 30), None);
        assert_eq!(of(100 << 20), Some(Severity::Warning));
        assert_eq!(of(0), Some(Severity::Error));
        assert_eq!(entries("a", 10), None);
        assert_eq!(registry("a", 1 << 20), None);
        assert!(registry("a", 40 << 20).unwrap().what.contains("40 MiB"));
    }
}
