//! Why an address is not leased, or a block not given back.

use std::net::IpAddr;
use std::time::Instant;

use ipnet::IpNet;

/// Why no address at all can be leased now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAddress {
    /// The node has no block of the network yet.
    #[error("this node has no block of the network's addresses")]
    NoBlock,
    /// Another block is needed.
    #[error("all addresses of this node's blocks are leased")]
    AllLeased,
    /// Another block, or some patience, is needed.
    #[error("all addresses of this node's blocks are leased, or were until a moment ago")]
    AllResting {
        /// When the first of them may be leased again.
        until: Instant,
    },
}

/// Why a certain address cannot be leased now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLeasable {
    /// A block that holds it must be claimed first.
    #[error("address {0} is in no block of this node")]
    NotInBlocks(IpAddr),
    /// Somebody on this node has it.
    #[error("address {0} is leased already")]
    Leased(IpAddr),
    /// It was leased until a moment ago.
    #[error("address {address} was in use until a moment ago and still rests")]
    Resting {
        /// The address.
        address: IpAddr,
        /// When it may be leased again.
        until: Instant,
    },
    /// Network address, broadcast address, gateway, or kept free by the user.
    #[error("address {0} is none that a workload may have: it is special or reserved")]
    NotAssignable(IpAddr),
}

impl NoAddress {
    /// When patience alone brings an address; nothing if that takes another block.
    #[must_use]
    pub const fn until(&self) -> Option<Instant> {
        match self {
            Self::AllResting { until } => Some(*until),
            Self::NoBlock | Self::AllLeased => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoBlock => "wait until a manager is reachable: `weft status`",
            Self::AllLeased => {
                "wait until a manager is reachable, or make a network with a larger subnet"
            }
            Self::AllResting { .. } => "try again in a minute",
        }
    }
}

impl NotLeasable {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NotInBlocks(_) => "wait until a manager is reachable: `weft status`",
            Self::Leased(_) => "choose another address, or stop the workload that has it",
            Self::Resting { .. } => "try again in a minute, or choose another address",
            Self::NotAssignable(_) => "choose another address of the subnet",
        }
    }
}

/// A block cannot be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("block {range} is in use: {address} is leased")]
pub struct BlockInUse {
    /// The block.
    pub range: IpNet,
    /// One of the addresses that are leased from it.
    pub address: IpAddr,
}
