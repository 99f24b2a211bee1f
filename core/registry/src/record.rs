//! The registry's own records; networks and nodes are those of `weft-model`.

use std::collections::BTreeSet;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use weft_model::{Name, NetworkId, NodeId, Role, Vni};

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
    /// How long a node's certificate is good for; it is renewed when half of that is over.
    #[serde(default = "certificate_life")]
    pub certificate_life: Duration,
    /// The certificate that signs all nodes' certificates.
    pub ca_pem: String,
    /// How often there was another CA before.
    #[serde(default)]
    pub ca_generation: u64,
    /// The CA before, whose certificates are still good: some node has none of the present one's.
    #[serde(default)]
    pub former_ca_pem: Option<String>,
    /// Where these entries are.
    #[serde(default)]
    pub keeping: Keeping,
}

/// Who keeps the registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keeping {
    /// The managers themselves, each on its disk.
    #[default]
    Managers,
    /// They still have it, but it is on its way into an etcd: it is not changed any more here.
    Moving,
    /// An etcd, which the managers ask.
    Etcd,
}

impl Cluster {
    /// The certificates that nodes' certificates may be signed by, the present CA's first.
    #[must_use]
    pub fn trusted_pem(&self) -> String {
        self.ca_pem.clone() + self.former_ca_pem.as_deref().unwrap_or_default()
    }
}

/// Long enough for managers to be away over a night, short enough for a stolen one to be of little use.
pub const CERTIFICATE_LIFE: Duration = Duration::from_secs(48 * 3600);

const fn certificate_life() -> Duration {
    CERTIFICATE_LIFE
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

/// A VNI of a network that was removed while nodes had addresses of it: it is no other's until each of
/// them has said that nothing of the network is left there, or was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// The VNI.
    pub vni: Vni,
    /// The network that had it.
    pub network: NetworkId,
    /// What it was called.
    pub name: Option<Name>,
    /// The nodes that have said nothing yet.
    pub nodes: BTreeSet<NodeId>,
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
