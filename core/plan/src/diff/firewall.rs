//! The guard opens before anything that needs it and shuts after the last that needed it.

use crate::{Firewall, FirewallSeen};

/// The rules to start with: those that let in old and new peers alike.
pub(super) fn open(desired: &Firewall, seen: &FirewallSeen) -> Option<Firewall> {
    let FirewallSeen::Holds(seen) = seen else { return Some(desired.clone()) };
    if seen.guard.udp_port != desired.guard.udp_port {
        return Some(desired.clone());
    }
    let mut both = desired.clone();
    both.guard.peers.extend(&seen.guard.peers);
    (both != *seen).then_some(both)
}

/// The rules to end with: those that let in the desired peers only.
pub(super) fn shut(desired: &Firewall, opened: &FirewallSeen) -> Option<Firewall> {
    let right = matches!(opened, FirewallSeen::Holds(opened) if opened == desired);
    (!right).then(|| desired.clone())
}
