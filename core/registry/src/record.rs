//! The registry's own records; networks and nodes are those of `weft-model`.

use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use weft_model::{Name, NetworkId, NodeId, Role};

/// What all nodes agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Stands in every node's certificate.
    pub id: String,
    /// What people call it.
    pub name: Name,
    /// The UDP port of VXLAN on every node.
    pub vxlan_port: u16,
    /// Where subnets of networks come from when nobody asked for a certain one.
    pub pools: Vec<IpNet>,
    /// The size of such subnets.
    pub subnet_prefix: u8,
    /// How long a freed address rests.
    pub address_rest: Duration,
    /// The certificate that signs all nodes' certificates.
    pub ca_pem: String,
}

/// Addresses of one network that one node may lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The network.
    pub network: NetworkId,
    /// The addresses; blocks of one network never overlap.
    pub range: IpNet,
    /// Who may lease them.
    pub owner: NodeId,
    /// Differs for each claim within a network: a row of an earlier owner can be told from the present one's.
    pub generation: u64,
}

/// What is kept of a join token: enough to recognise it, not enough to use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenHash {
    /// What a node becomes that joins with it.
    pub role: Role,
    /// With it and the CA's key, managers make the secret again for whoever may see it.
    pub salt: String,
    /// The hash of its secret, in hexadecimal digits.
    pub sha256: String,
    /// Unix seconds; absent: never.
    pub expires_at: Option<u64>,
}
