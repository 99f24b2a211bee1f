//! Third hop: the frame is wrapped for the host that owns its destination.
//!
//! The kernel's counterpart is one permanent FDB entry per remote endpoint on the VXLAN device.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weft_model::{MacAddr, NetworkId, NodeId, Vni, Vtep};

use crate::{Facts, Located, Reason};

/// The outer header that a frame leaves its host with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// A frame never changes networks on the way.
    pub vni: Vni,
    /// The sender's host.
    pub source: Vtep,
    /// The host that owns the destination.
    pub destination: Vtep,
    /// The UDP port it is sent to.
    pub port: u16,
}

/// How a frame goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Over the network's bridge to another port of it.
    StaysOnHost,
    /// In VXLAN to another host.
    Leaves(Envelope),
}

/// The FDB entries that `node` must hold: one per remote endpoint.
///
/// Endpoints of hosts that are down keep theirs. Not in it: what is on this host, and hosts with
/// a VTEP of the other IP family, which the kernel refuses on one VXLAN device.
#[must_use]
pub fn fdb(facts: &Facts, node: NodeId, network: NetworkId) -> BTreeMap<MacAddr, Vtep> {
    let own = facts.vtep(node);
    let reachable = |vtep: &Vtep| own.is_none_or(|own| own.0.is_ipv4() == vtep.0.is_ipv4());
    let entry = |row: &Located| {
        let vtep = facts.vtep(row.owner).filter(reachable)?;
        Some((row.endpoint.mac, vtep))
    };
    let mut table: BTreeMap<MacAddr, Vtep> =
        facts.remote(node, network).into_iter().filter_map(entry).collect();
    for row in facts.local(node, network) {
        table.remove(&row.endpoint.mac);
    }
    table
}

/// Finds the way of a frame from endpoint `from` to `mac`, carrying a packet of `length` bytes.
///
/// # Errors
///
/// [`Reason::NoHome`] if no host owns the destination, [`Reason::TooBig`] if it does not fit.
pub fn encap(facts: &Facts, from: &Located, mac: MacAddr, length: u16) -> Result<Way, Reason> {
    if facts.local(from.owner, from.network).any(|row| row.endpoint.mac == mac) {
        return Ok(Way::StaysOnHost);
    }
    let table = fdb(facts, from.owner, from.network);
    let destination = *table.get(&mac).ok_or(Reason::NoHome)?;
    let network = facts.networks.get(&from.network).ok_or(Reason::NoHome)?;
    let source = facts.vtep(from.owner).ok_or(Reason::NoHome)?;
    if length > facts.inner_mtu.bytes() {
        return Err(Reason::TooBig);
    }
    Ok(Way::Leaves(Envelope { vni: network.vni, source, destination, port: facts.vxlan_port }))
}
