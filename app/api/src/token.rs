//! Join tokens.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_model::Role;

/// `GET /v1/tokens/{role}` and the answer to `POST /v1/tokens/{role}/rotate`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// What a node that joins with it becomes.
    #[schema(value_type = String, example = "worker")]
    pub role: Role,
    /// `weft-1-<sha256 of the cluster's CA>-<secret>`.
    pub token: String,
    /// RFC 3339; absent: it does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

impl fmt::Debug for TokenView {
    /// Leaves the secret out, so that it gets into no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { role, token: _, expires_at } = self;
        f.debug_struct("TokenView")
            .field("role", role)
            .field("expires_at", expires_at)
            .finish_non_exhaustive()
    }
}

/// `POST /v1/tokens/{role}/rotate`: a new token; the old one is worth nothing from then on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRotate {
    /// How long the new one is good for; absent: until the next rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
}
