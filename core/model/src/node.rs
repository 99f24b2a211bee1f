//! Hosts of the cluster.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{Name, NodeId, PublicKey, Vtep};

/// What a node does besides carrying endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Keeps the registry.
    Manager,
    /// Follows the registry.
    Worker,
}

/// One member of the cluster, as the registry knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The identity in its certificate; all else may change.
    pub id: NodeId,
    /// That of its certificates, for as long as it is a member. Its rows are signed with it.
    pub key: PublicKey,
    /// What people call it: its host name, unless told otherwise.
    pub name: Name,
    /// Whether it keeps the registry.
    pub role: Role,
    /// Where it sends and accepts VXLAN.
    pub vtep: Vtep,
    /// Where it accepts other nodes' QUIC connections.
    pub control: SocketAddr,
}
