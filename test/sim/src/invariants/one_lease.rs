//! An address is leased once: no two workloads of a network have it at the same time.

use std::collections::BTreeMap;
use std::net::IpAddr;

use weft_model::{Endpoint, EndpointId, NetworkId};

use super::Violation;

/// Who has which address, on whichever host.
#[derive(Debug, Default)]
pub(crate) struct OneLease {
    holders: BTreeMap<(NetworkId, IpAddr), EndpointId>,
    held: BTreeMap<EndpointId, Vec<(NetworkId, IpAddr)>>,
}

impl OneLease {
    pub(crate) fn leased(&mut self, network: NetworkId, to: &Endpoint) -> Option<Violation> {
        let wanted: Vec<_> = to.addresses.iter().map(|address| (network, *address)).collect();
        let twice = wanted.iter().find_map(|lease| Some((lease.1, *self.holders.get(lease)?)));
        self.holders.extend(wanted.iter().map(|lease| (*lease, to.id)));
        self.held.insert(to.id, wanted);
        let (address, holder) = twice?;
        let details = format!("{address} of {network}: endpoints {holder} and {}", to.id);
        Some(Violation::new("an address was leased twice", details))
    }

    pub(crate) fn ended(&mut self, id: EndpointId) {
        for lease in self.held.remove(&id).unwrap_or_default() {
            self.holders.remove(&lease);
        }
    }
}
