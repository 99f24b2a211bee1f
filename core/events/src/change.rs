//! Everything that can happen, as far as a node sees it.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use weft_model::{EndpointId, Network, NetworkId, Node, NodeId};

use crate::Row;

/// One change. The first ones change what a node believes, the last ones only tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it; `told` has a sentence for each")]
pub enum Change {
    NodeJoined { node: Node },
    NodeChanged { node: Node },
    NodeLeft { id: NodeId },
    NodeDown { id: NodeId },
    NodeUp { id: NodeId },
    NetworkMade { network: Network },
    NetworkChanged { network: Network },
    NetworkRemoved { id: NetworkId },
    EndpointCame { row: Row },
    EndpointChanged { row: Row },
    EndpointGone { id: EndpointId },
    EndpointHidden { id: EndpointId },
    EndpointShown { id: EndpointId },
    BlockTaken { network: NetworkId, range: IpNet },
    BlockGiven { network: NetworkId, range: IpNet },
    AddressLeased { network: NetworkId, address: IpAddr },
    AddressReleased { network: NetworkId, address: IpAddr },
    Mirrored { network: NetworkId, docker: String },
    Unmirrored { docker: String },
    ManagerFound,
    ManagerLost,
    Disowned,
    Owned,
    AgentStarted { version: String },
    AgentStopped,
    Commanded { command: String, by: Option<String>, refused: Option<String> },
    KernelApplied { changes: Vec<String> },
    KernelDrift { difference: String },
    KernelRefused { change: String, reason: String },
    ReconcilePaused,
    ReconcileResumed,
    DockerFound { version: String },
    DockerLost,
    DockerTroubled { trouble: String },
    DockerMended { trouble: String },
    CertificateRenewed { until: String },
}

impl Change {
    /// The word that it is searched by, the same as in JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NodeJoined { .. } => "node_joined",
            Self::NodeChanged { .. } => "node_changed",
            Self::NodeLeft { .. } => "node_left",
            Self::NodeDown { .. } => "node_down",
            Self::NodeUp { .. } => "node_up",
            Self::NetworkMade { .. } => "network_made",
            Self::NetworkChanged { .. } => "network_changed",
            Self::NetworkRemoved { .. } => "network_removed",
            Self::EndpointCame { .. } => "endpoint_came",
            Self::EndpointChanged { .. } => "endpoint_changed",
            Self::EndpointGone { .. } => "endpoint_gone",
            Self::EndpointHidden { .. } => "endpoint_hidden",
            Self::EndpointShown { .. } => "endpoint_shown",
            Self::BlockTaken { .. } => "block_taken",
            Self::BlockGiven { .. } => "block_given",
            Self::AddressLeased { .. } => "address_leased",
            Self::AddressReleased { .. } => "address_released",
            Self::Mirrored { .. } => "mirrored",
            Self::Unmirrored { .. } => "unmirrored",
            Self::ManagerFound => "manager_found",
            Self::ManagerLost => "manager_lost",
            Self::Disowned => "disowned",
            Self::Owned => "owned",
            Self::AgentStarted { .. } => "agent_started",
            Self::AgentStopped => "agent_stopped",
            Self::Commanded { .. } => "commanded",
            Self::KernelApplied { .. } => "kernel_applied",
            Self::KernelDrift { .. } => "kernel_drift",
            Self::KernelRefused { .. } => "kernel_refused",
            Self::ReconcilePaused => "reconcile_paused",
            Self::ReconcileResumed => "reconcile_resumed",
            Self::DockerFound { .. } => "docker_found",
            Self::DockerLost => "docker_lost",
            Self::DockerTroubled { .. } => "docker_troubled",
            Self::DockerMended { .. } => "docker_mended",
            Self::CertificateRenewed { .. } => "certificate_renewed",
        }
    }

    /// Whether it is of a kind: `endpoint`, `drift` and `kernel_drift` are kinds.
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        self.word() == kind || self.word().split('_').any(|part| part == kind)
    }
}
