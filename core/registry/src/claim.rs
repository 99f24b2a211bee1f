//! Whether the addresses that a node's endpoint says it has are the node's to lease.

use std::net::IpAddr;

use weft_model::{NetworkId, NodeId};

use crate::View;

/// What a view says about the addresses of another node's endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// All are in the node's own blocks.
    Owned,
    /// This one is in nobody's block: a claim of a block may be on its way here.
    Unclaimed(IpAddr),
    /// This one is in another node's block, or is none that a workload may have.
    Foreign {
        /// The address.
        address: IpAddr,
        /// Who may lease it; nobody, if it is the gateway's or reserved.
        owner: Option<NodeId>,
    },
}

impl View {
    /// Whether `node` may have an endpoint with these addresses on `network`.
    #[must_use]
    pub fn claim(&self, network: NetworkId, node: NodeId, addresses: &[IpAddr]) -> Claim {
        let mut claim = Claim::Owned;
        for &address in addresses {
            match self.claim_of_one(network, node, address) {
                Claim::Owned => {}
                foreign @ Claim::Foreign { .. } => return foreign,
                unclaimed @ Claim::Unclaimed(_) => claim = unclaimed,
            }
        }
        claim
    }

    fn claim_of_one(&self, network: NetworkId, node: NodeId, address: IpAddr) -> Claim {
        let subnet = self.network(network).and_then(|network| network.subnet_of(address));
        if !subnet.is_some_and(|subnet| subnet.is_assignable(address)) {
            return Claim::Foreign { address, owner: None };
        }
        match self.block_of(network, address) {
            Some(block) if block.owner == node => Claim::Owned,
            Some(block) => Claim::Foreign { address, owner: Some(block.owner) },
            None => Claim::Unclaimed(address),
        }
    }
}
