//! Where the registry is kept.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An etcd that is to keep the registry.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EtcdChoice {
    /// URLs of its members, `https://host:2379`.
    pub endpoints: Vec<String>,
    /// What the cluster's keys begin with; absent: `/weft`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// For `https`: the CA that has signed the members' certificates, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    /// If etcd asks for it: the managers' certificate, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_pem: Option<String>,
    /// And its private key, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_pem: Option<String>,
}

impl fmt::Debug for EtcdChoice {
    /// Leaves the secrets out, so that they get into no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdChoice")
            .field("endpoints", &self.endpoints)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// `POST /v1/cluster/store`: the registry goes from the managers' disks into an etcd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreMove {
    /// Where it goes.
    pub etcd: EtcdChoice,
}

/// Who keeps the registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// The managers, each on its disk.
    #[default]
    Embedded,
    /// They do, and are moving it into an etcd: it is not changed meanwhile.
    Moving,
    /// An etcd.
    Etcd,
}

/// `GET /v1/cluster/store`: where the registry is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreView {
    /// Who keeps it.
    pub kind: StoreKind,
    /// On managers: where the etcd is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<String>,
    /// On managers: what the cluster's keys in the etcd begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The last revision that this node has heard of.
    pub revision: u64,
}
