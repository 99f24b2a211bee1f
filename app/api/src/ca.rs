//! The cluster's CA.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/ca`, and the answer to its rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaView {
    /// The SHA-256 of its certificate, which join tokens name.
    pub sha256: String,
    /// How often there was another one before.
    pub generation: u64,
    /// The SHA-256 of the one before, while its certificates are good, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_sha256: Option<String>,
    /// The names of the nodes that have no certificate of the present one yet.
    #[serde(default)]
    pub waiting: Vec<String>,
}

/// `POST /v1/ca/retire`: certificates of the CA before the present one are worth nothing from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaRetire {
    /// Even though some node has no other one: it must join again.
    #[serde(default)]
    pub force: bool,
}
