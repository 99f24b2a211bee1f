//! The hops on the receiver's host.

pub(crate) mod decap;
pub(crate) mod deliver;
