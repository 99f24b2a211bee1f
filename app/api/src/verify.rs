//! What every host's kernel holds against what the cluster means.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The cluster's hosts, each compared with what it should hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// Of all hosts that answered.
    pub differences: u64,
    /// By name.
    pub hosts: Vec<HostVerified>,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostVerified {
    /// Its name.
    pub host: String,
    /// Whether it said anything at all.
    pub answered: bool,
    /// The changes that would mend it, one a line.
    pub differences: Vec<String>,
    /// Why it differs, or does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What to try.
    #[serde(default, rename = "try", skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
