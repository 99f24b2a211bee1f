//! Clusters: founding one, joining one, leaving it.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_model::Name;

use crate::{EtcdChoice, StoreView};

/// `POST /v1/cluster/init`: this node founds a cluster and is its first manager.
///
/// What is absent is chosen by the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterInit {
    /// What people call the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub name: Option<Name>,
    /// What people call this node; absent: its host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub node_name: Option<Name>,
    /// The underlay address that the others reach this node at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub advertise: Option<IpAddr>,
    /// The UDP port of VXLAN, on every node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vxlan_port: Option<u16>,
    /// Where subnets come from when a network asks for none in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub pools: Option<Vec<IpNet>>,
    /// The prefix length of such a subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_prefix: Option<u8>,
    /// How long a freed address rests before anyone gets it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_rest_seconds: Option<u64>,
    /// How long a node's certificate is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_life_seconds: Option<u64>,
    /// An etcd that keeps the registry; absent: the one that the agent's configuration names, or the
    /// managers keep it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd: Option<EtcdChoice>,
    /// The managers keep it themselves, whatever the agent's configuration names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub embedded: bool,
}

/// `POST /v1/cluster/join`: this node becomes a member of a cluster that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterJoin {
    /// As `weft token` printed it.
    pub token: String,
    /// A manager's `host:port`.
    pub manager: String,
    /// What people call this node; absent: its host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub node_name: Option<Name>,
    /// The underlay address that the others reach this node at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub advertise: Option<IpAddr>,
}

/// `POST /v1/cluster/leave`: this node is a member no longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterLeave {
    /// Leaves even with endpoints here, or when no manager can be told.
    #[serde(default)]
    pub force: bool,
}

/// The answer when there is nothing to say but that it is so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Done {}

/// The cluster that this node is a member of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClusterView {
    /// Random, chosen when it was founded.
    pub id: String,
    /// What people call it.
    #[schema(value_type = String)]
    pub name: Name,
    /// The UDP port of VXLAN, on every node.
    pub vxlan_port: u16,
    /// Whether the registry can be changed from here at this moment.
    pub manager_reachable: bool,
    /// Where the registry is kept.
    #[serde(default)]
    pub store: StoreView,
    /// RFC 3339: until when this node's certificate is good, if it is not renewed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_until: Option<String>,
    /// By how many milliseconds this node's clock is ahead of the managers'; negative: behind. Absent
    /// while none answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_ms: Option<i64>,
}
