//! The guard's programs: what the host's interfaces let in, before any packet filter.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Desired, Engine, Guard, IfName};

/// What is let in by the host's own interfaces, other than loopback.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Who may send VXLAN to this host.
    pub guard: Guard,
    /// This host's own tunnel end point: a bridge that has it leads to other hosts.
    pub local: Option<IpAddr>,
    /// What no workload reaches.
    pub doors: BTreeSet<Door>,
    /// Whether what is let in goes straight to workloads that are at no bridge.
    pub engine: Engine,
}

/// A port of the agent's, for other hosts only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Door {
    /// Of TCP.
    Tcp(u16),
    /// Of UDP.
    Udp(u16),
}

/// The programs and their tables as they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum GateSeen {
    /// There are none.
    #[default]
    Missing,
    /// This kernel cannot have them; why.
    Impossible(String),
    /// They stand.
    Holds {
        /// What they were told.
        gate: Gate,
        /// Interfaces that are up and have no program, or another one than they should.
        open: BTreeSet<IfName>,
    },
}

impl GateSeen {
    /// Programs that stand at every interface.
    #[must_use]
    pub const fn whole(gate: Gate) -> Self {
        Self::Holds { gate, open: BTreeSet::new() }
    }

    /// What is right for `desired` in a kernel that can have it, or cannot, as this one.
    #[must_use]
    pub fn right_for(&self, desired: &Desired) -> Self {
        match self {
            Self::Impossible(why) => Self::Impossible(why.clone()),
            Self::Missing | Self::Holds { .. } => Self::whole(desired.gate()),
        }
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(port) => write!(f, "tcp {port}"),
            Self::Udp(port) => write!(f, "udp {port}"),
        }
    }
}
