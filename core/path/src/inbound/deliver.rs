//! Sixth hop: the frame goes into the endpoint's interface.
//!
//! The kernel's counterpart is the endpoint's port on the network's bridge.

use serde::{Deserialize, Serialize};
use weft_model::{EndpointId, MacAddr, NetworkId, NodeId};

use crate::{Facts, Reason};

/// Where a packet arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// The endpoint that gets it.
    pub endpoint: EndpointId,
    /// The host it is on.
    pub node: NodeId,
}

/// Finds the port for `mac` on host `at`.
///
/// # Errors
///
/// [`Reason::NoPort`] if there is none on the network.
pub fn deliver(
    facts: &Facts,
    at: NodeId,
    network: NetworkId,
    mac: MacAddr,
) -> Result<Delivered, Reason> {
    let row = facts.local(at, network).find(|row| row.endpoint.mac == mac);
    let endpoint = row.ok_or(Reason::NoPort)?.endpoint.id;
    Ok(Delivered { endpoint, node: at })
}
