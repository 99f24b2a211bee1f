//! The way to another host: whether VXLAN arrives there, and how large it may be.

use std::collections::BTreeSet;

use crate::{Check, Finding, Severity};

/// What was sent to a peer's VXLAN port, and what of it came there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The peer's name.
    pub peer: String,
    /// Its VTEP, for people.
    pub address: String,
    /// The port.
    pub port: u16,
    /// Sizes of the IP packets that left this host, unfragmented.
    pub sent: BTreeSet<u16>,
    /// Sizes of those that the peer's interface has seen.
    pub heard: BTreeSet<u16>,
    /// What the route to the peer promises to carry.
    pub promised: u16,
    /// The largest packet that the cluster's networks send that way, headers included; 0 without.
    pub needed: u16,
}

/// Judges the way from `host`.
#[must_use]
pub fn judge(host: &str, way: &Way) -> Option<Finding> {
    let Some(largest) = way.heard.last().copied() else { return Some(swallowed(host, way)) };
    if largest < way.needed {
        return Some(too_small(host, way, largest));
    }
    let promise = way.sent.contains(&way.promised) && largest < way.promised;
    promise.then(|| smaller_than_promised(host, way, largest))
}

fn swallowed(host: &str, way: &Way) -> Finding {
    let Way { peer, address, port, .. } = way;
    let what = format!("nothing that {host} sends to UDP port {port} arrives at {peer}");
    let why = "something between the two hosts swallows VXLAN: their containers do not reach each \
        other, though the hosts do";
    let remedy = format!(
        "let UDP {port} through between the hosts: security groups, VMware NSX (which takes 4789 \
         for itself: found the cluster with `weft init --vxlan-port PORT`), routers; look where \
         it ends: `traceroute -U -p {port} {address}`"
    );
    finding(Severity::Error, Check::Vxlan, host, [what, why.to_owned(), remedy], peer)
}

fn too_small(host: &str, way: &Way, largest: u16) -> Finding {
    let Way { peer, needed, address, .. } = way;
    let inner = largest.saturating_sub(overhead(address));
    let what = format!(
        "packets larger than {largest} bytes do not arrive at {peer}; the networks send up to \
         {needed}"
    );
    let why = "small packets pass and large ones vanish: connections open and then hang";
    let remedy = format!(
        "raise the MTU on the way to {needed}: `tracepath -n {address}` shows where it is lower; or \
         tell the kernels of both hosts what fits, and networks and workloads follow: `ip link \
         set DEVICE mtu {largest}`, or `ip route change … mtu {largest}`; a network that was made \
         with an MTU of its own is to be made again: `weft network create NAME --mtu {inner}`"
    );
    finding(Severity::Error, Check::Mtu, host, [what, why.to_owned(), remedy], peer)
}

fn smaller_than_promised(host: &str, way: &Way, largest: u16) -> Finding {
    let Way { peer, promised, address, .. } = way;
    let what = format!(
        "packets larger than {largest} bytes do not arrive at {peer}, though the route promises \
         {promised}"
    );
    let why = "the networks of now fit, but one with a larger MTU would lose its large packets";
    let remedy = format!(
        "see where the way narrows: `tracepath -n {address}`; or tell the kernel: `ip route \
         change … mtu {largest}`"
    );
    finding(Severity::Warning, Check::Mtu, host, [what, why.to_owned(), remedy], peer)
}

/// What VXLAN adds: outer IP, UDP, VXLAN and the inner Ethernet header.
fn overhead(address: &str) -> u16 {
    if address.contains(':') { 70 } else { 50 }
}

fn finding(severity: Severity, check: Check, host: &str, told: [String; 3], peer: &str) -> Finding {
    Finding::new(severity, check, host, told).towards(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(heard: &[u16], promised: u16, needed: u16) -> Way {
        Way {
            peer: "b".into(),
            address: "192.0.2.2".into(),
            port: 4789,
            sent: [100, 1400, 1500].into(),
            heard: heard.iter().copied().collect(),
            promised,
            needed,
        }
    }

    #[test]
    fn a_way_that_carries_what_is_needed_is_healthy() {
        assert_eq!(judge("a", &way(&[100, 1400, 1500], 1500, 1500)), None);
    }

    #[test]
    fn silence_large_and_small_are_told_apart() {
        let of = |heard: &[u16], promised, needed| {
            judge("a", &way(heard, promised, needed)).map(|f| (f.severity, f.check))
        };
        assert_eq!(of(&[], 1500, 1500), Some((Severity::Error, Check::Vxlan)));
        assert_eq!(of(&[100, 1400], 1500, 1500), Some((Severity::Error, Check::Mtu)));
        assert_eq!(of(&[100, 1400], 1500, 1400), Some((Severity::Warning, Check::Mtu)));
    }

    #[test]
    fn the_mtu_that_fits_is_named() {
        let found = judge("a", &way(&[100, 1400], 1500, 1500)).unwrap();
        assert!(found.remedy.contains("--mtu 1350"), "{}", found.remedy);
    }
}
