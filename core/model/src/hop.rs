//! The six hops of a packet, in travel order: one vocabulary for the whole of Weft.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One stage of a packet's path from a container on one host to a container on another.
///
/// Module names, metric labels, end-to-end test files, the sections of `docs/path.md` and the
/// output of `weft trace` all use these six words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hop {
    /// Name to overlay address.
    Lookup,
    /// Overlay address to MAC address.
    Neighbor,
    /// MAC address to the VTEP of the host that owns it.
    Encap,
    /// The host's own routing carries the datagram to the other host.
    Underlay,
    /// The other host accepts the datagram or refuses it.
    Decap,
    /// The frame goes into the endpoint's interface.
    Deliver,
}

impl Hop {
    /// All hops, in travel order.
    pub const ALL: [Self; 6] =
        [Self::Lookup, Self::Neighbor, Self::Encap, Self::Underlay, Self::Decap, Self::Deliver];

    /// The hop's one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lookup => "lookup",
            Self::Neighbor => "neighbor",
            Self::Encap => "encap",
            Self::Underlay => "underlay",
            Self::Decap => "decap",
            Self::Deliver => "deliver",
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
