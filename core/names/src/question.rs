//! Who asks for what.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use weft_model::NetworkId;

/// Where a question comes from, known by the socket that it came in on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asker {
    /// The networks that the asking container is on.
    pub networks: BTreeSet<NetworkId>,
    /// The servers beyond that its own resolver asks, in order, if we may do so in its place.
    pub beyond: Vec<SocketAddr>,
}

/// The kinds of record that are told apart here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// The name of an address.
    Ptr,
    /// All else: a name of ours exists, but has nothing of it.
    Other,
}

/// One question, as it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// In any case, with or without the trailing dot.
    pub name: String,
    /// What is wanted of it.
    pub kind: Kind,
}
