//! The gate opens and shuts with the guard of the packet filter.

use crate::{Engine, Gate, GateSeen};

/// What to start with: both old and new peers are let in, by every interface.
pub(super) fn open(desired: &Gate, seen: &GateSeen) -> Option<Gate> {
    match seen {
        GateSeen::Impossible(_) => None,
        GateSeen::Holds { gate, open } if gate.guard.udp_port == desired.guard.udp_port => {
            let mut both = desired.clone();
            both.guard.peers.extend(&gate.guard.peers);
            // As long as a port may be at no bridge, what comes in finds it there.
            if gate.engine == Engine::Bpf {
                both.engine = Engine::Bpf;
            }
            (both != *gate || !open.is_empty()).then_some(both)
        }
        GateSeen::Missing | GateSeen::Holds { .. } => Some(desired.clone()),
    }
}

/// What to end with: the desired peers only.
pub(super) fn shut(desired: &Gate, opened: &GateSeen) -> Option<Gate> {
    match opened {
        GateSeen::Impossible(_) => None,
        GateSeen::Holds { gate, .. } if gate == desired => None,
        GateSeen::Missing | GateSeen::Holds { .. } => Some(desired.clone()),
    }
}
