//! Fifth hop: the other host accepts the datagram or refuses it.
//!
//! The kernel's counterparts are the nft set of peers, one VXLAN device per network served here,
//! and the owners of MAC addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use weft_model::{MacAddr, NetworkId, NodeId, Vni, Vtep};

use crate::{Facts, Reason};

/// What arrives at a host's VXLAN port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The outer source address.
    pub outer_source: IpAddr,
    /// The network it says it is of.
    pub vni: Vni,
    /// Who the inner frame says it is from.
    pub inner_source: MacAddr,
}

/// A datagram that was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// By this host.
    pub by: NodeId,
    /// From this host.
    pub from: NodeId,
    /// Into this network.
    pub network: NetworkId,
}

/// The VTEPs of the other members: whom `node` accepts VXLAN from at all, up or not.
#[must_use]
pub fn peers(facts: &Facts, node: NodeId) -> BTreeSet<Vtep> {
    facts.nodes.values().filter(|other| other.id != node).map(|other| other.vtep).collect()
}

/// Lets `arrival` in at host `at`, or does not.
///
/// Its outer sender must be a member and own the inner sender, on a network that `at` serves.
///
/// # Errors
///
/// [`Reason::UnknownPeer`], [`Reason::UnknownVni`] or [`Reason::NotOwner`].
pub fn decap(facts: &Facts, at: NodeId, arrival: &Arrival) -> Result<Accepted, Reason> {
    if !peers(facts, at).contains(&Vtep(arrival.outer_source)) {
        return Err(Reason::UnknownPeer);
    }
    let served = facts.network_with(arrival.vni).filter(|network| facts.serves(at, network.id));
    let network = served.ok_or(Reason::UnknownVni)?.id;
    let owner = facts.with_mac(network, arrival.inner_source).map(|row| row.owner);
    let owns = |node: &NodeId| facts.vtep(*node) == Some(Vtep(arrival.outer_source));
    let from = owner.filter(owns).ok_or(Reason::NotOwner)?;
    Ok(Accepted { by: at, from, network })
}
