//! One node's state at a glance.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_model::Hop;

use crate::{ClusterView, DockerView, GuardView, NodeView, ReconcileView};

/// `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The agent's version.
    pub version: String,
    /// This node; absent: it is in no cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeView>,
    /// Its cluster; absent: it is in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterView>,
    /// What carries frames: `bridge` or `bpf`.
    pub engine: String,
    /// Why it is that one.
    #[serde(default)]
    pub engine_reason: String,
    /// What drops forged packets.
    #[serde(default)]
    pub guard: GuardView,
    /// How the last comparison of what should be with what is went.
    pub reconcile: ReconcileView,
    /// Networks of the cluster.
    pub networks: u64,
    /// Endpoints on this node.
    pub endpoints: u64,
    /// The Docker Engine beside the agent.
    pub docker: DockerView,
    /// What does not work as it should, and what to do about it.
    pub degraded: Vec<DegradedView>,
}

/// Something that works less well than it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DegradedView {
    /// The hop of a packet's path that suffers, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "underlay")]
    pub hop: Option<Hop>,
    /// What is wrong.
    pub reason: String,
    /// What to try.
    pub hint: String,
}
