//! Endpoints: where a workload meets a network.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{EndpointId, MacAddr, Name};

/// One workload's attachment to one network: a row of whereabouts.
///
/// The network and the owning node are not in the row: they are the stream that carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Unique for all time; two endpoints may share a name, never an id.
    pub id: EndpointId,
    /// Random, so that a reused IP address comes with a new MAC.
    pub mac: MacAddr,
    /// Overlay addresses; the first is the main one.
    pub addresses: Vec<IpAddr>,
    /// What PTR answers: the container's name.
    pub name: Option<Name>,
    /// Everything else it is found by: aliases, the short container id.
    pub aliases: BTreeSet<Name>,
}

impl Endpoint {
    /// Every name it is found by.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.name.iter().chain(self.aliases.iter())
    }
}
