//! What stands between this host's workloads and forged packets.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The guard of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GuardView {
    /// How its programs are attached: `tcx` or `clsact`. Absent: only the packet filter's table stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<String>,
    /// Why there are no programs; absent if there are, or if nobody has looked yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}
