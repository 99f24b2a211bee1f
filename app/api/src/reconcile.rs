//! Reconcile passes: what should be in the kernel against what is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The last reconcile pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReconcileView {
    /// RFC 3339; absent: there was none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<String>,
    /// How long it took.
    pub took_ms: u64,
    /// Changes made to the kernel since the agent started: none after a restart, unless the cluster
    /// changed meanwhile.
    #[serde(default)]
    pub changes: u64,
    /// Whether the kernel now holds what it should.
    pub in_sync: bool,
    /// What differs still, one change a line.
    pub differences: Vec<String>,
    /// Changes that the kernel refused.
    pub failures: Vec<FailureView>,
}

/// One change that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailureView {
    /// The change.
    pub what: String,
    /// The kernel's answer.
    pub why: String,
    /// What to try.
    pub hint: String,
}
