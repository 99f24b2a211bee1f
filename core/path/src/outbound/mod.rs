//! The hops on the sender's host.

pub(crate) mod encap;
pub(crate) mod lookup;
pub(crate) mod neighbor;
