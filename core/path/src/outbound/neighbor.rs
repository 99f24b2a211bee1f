//! Second hop: an overlay address becomes a MAC address.
//!
//! The kernel's counterpart is one permanent neighbour entry per remote address on the VXLAN
//! device, which answers ARP and ND by `proxy`. Endpoints of the same host answer themselves.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use weft_model::{MacAddr, NetworkId, NodeId};

use crate::{Facts, Located, Reason};

/// Who says which MAC address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answerer {
    /// Nobody is asked: the address is the sender's own.
    Nobody,
    /// The endpoint, which is on the same host.
    Endpoint,
    /// The sender's host, from its neighbour table.
    Host,
}

/// Who has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbor {
    /// The address asked for.
    pub address: IpAddr,
    /// Who has it.
    pub mac: MacAddr,
    /// Who says so.
    pub answered_by: Answerer,
}

/// The neighbour entries that `node` must hold: one per address of a remote endpoint.
///
/// Endpoints of hosts that are down keep theirs; an address that is on this host has none.
#[must_use]
pub fn neighbors(facts: &Facts, node: NodeId, network: NetworkId) -> BTreeMap<IpAddr, MacAddr> {
    let entries = |row: &Located| {
        let mac = row.endpoint.mac;
        row.endpoint.addresses.iter().map(move |&address| (address, mac)).collect::<Vec<_>>()
    };
    let mut table: BTreeMap<IpAddr, MacAddr> =
        facts.remote(node, network).into_iter().flat_map(entries).collect();
    for address in facts.local(node, network).flat_map(|row| &row.endpoint.addresses) {
        table.remove(address);
    }
    table
}

/// Asks who has `address`, as the endpoint `from` would.
///
/// # Errors
///
/// [`Reason::UnknownAddress`] if nobody on the sender's network has it.
pub fn neighbor(facts: &Facts, from: &Located, address: IpAddr) -> Result<Neighbor, Reason> {
    let has = |row: &&Located| row.endpoint.addresses.contains(&address);
    let found = |mac, answered_by| Neighbor { address, mac, answered_by };
    if has(&from) {
        return Ok(found(from.endpoint.mac, Answerer::Nobody));
    }
    if let Some(row) = facts.local(from.owner, from.network).find(has) {
        return Ok(found(row.endpoint.mac, Answerer::Endpoint));
    }
    let table = neighbors(facts, from.owner, from.network);
    let mac = table.get(&address).ok_or(Reason::UnknownAddress)?;
    Ok(found(*mac, Answerer::Host))
}
