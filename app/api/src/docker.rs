//! The Docker Engine beside the agent.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the agent and the Docker Engine of its host get on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DockerView {
    /// Whether the Engine answers.
    pub connected: bool,
    /// The Engine's version, once it has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What does not work between the two, one sentence each.
    #[serde(default)]
    pub degraded: Vec<String>,
}
