//! What makes this host a member.

use serde::{Deserialize, Serialize};
use weft_model::Node;
use weft_store::EtcdAccess;

/// What this host remembers of its membership.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Membership {
    /// The cluster's id, which is in every certificate.
    pub cluster: String,
    /// The managers as they were then: where to ask if the cached registry is lost.
    #[serde(default)]
    pub managers: Vec<Node>,
    /// This host, as it joined.
    pub node: Node,
    /// The node's private key, PEM. It never leaves this host.
    pub key_pem: String,
    /// The node's certificate and the CA's, PEM.
    pub chain_pem: String,
    /// The cluster CA with its key, on managers only, PEM.
    pub authority_pem: Option<String>,
    /// On the manager that rotates the CA: the next one with its key, until it is the registry's, PEM.
    #[serde(default)]
    pub next_authority_pem: Option<String>,
    /// The certificates of the CAs that are trusted, PEM.
    pub ca_pem: String,
    /// On managers, if an etcd keeps the registry: how it is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd: Option<EtcdAccess>,
}
