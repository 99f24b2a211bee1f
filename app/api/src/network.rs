//! Overlay networks.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_model::{Name, NetworkId};

/// `POST /v1/networks`. What is absent is chosen by the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkCreate {
    /// One DNS label, unique in the cluster.
    #[schema(value_type = String)]
    pub name: Name,
    /// Its addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "10.7.0.0/16")]
    pub subnet: Option<IpNet>,
    /// The address that no endpoint gets; absent: the subnet's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub gateway: Option<IpAddr>,
    /// 4096 to 16777215.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vni: Option<u32>,
    /// Of the interfaces inside; absent: what the underlay leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Without a way out of the cluster.
    #[serde(default)]
    pub internal: bool,
    /// Driver options.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Docker's labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

impl NetworkCreate {
    /// A network of this name, all else chosen by the cluster.
    #[must_use]
    pub const fn named(name: Name) -> Self {
        Self {
            name,
            subnet: None,
            gateway: None,
            vni: None,
            mtu: None,
            internal: false,
            options: BTreeMap::new(),
            labels: BTreeMap::new(),
        }
    }
}

/// `GET /v1/networks` gives all of them, `GET /v1/networks/{ref}` one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NetworkView {
    /// Never used again after the network is gone.
    #[schema(value_type = String)]
    pub id: NetworkId,
    /// Absent for the moment before Docker tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub name: Option<Name>,
    /// Tells its frames from other networks' on the wire.
    pub vni: u32,
    /// One per address family; the first is the main one.
    #[schema(value_type = Vec<String>)]
    pub subnets: Vec<IpNet>,
    /// Of the interfaces inside.
    pub mtu: u32,
    /// Without a way out of the cluster.
    pub internal: bool,
    /// Driver options.
    pub options: BTreeMap<String, String>,
    /// Docker's labels.
    pub labels: BTreeMap<String, String>,
    /// The main subnet's address that no endpoint gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub gateway: Option<IpAddr>,
    /// Names of the nodes with endpoints on it.
    #[schema(value_type = Vec<String>)]
    pub participants: Vec<Name>,
    /// Endpoints on it that the node that answers knows of.
    pub endpoints: u64,
    /// Which node leases which addresses.
    pub blocks: Vec<BlockView>,
    /// RFC 3339, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
}

impl NetworkView {
    /// What people call it: its name, or its id while it has none.
    #[must_use]
    pub fn title(&self) -> String {
        self.name.as_ref().map_or_else(|| self.id.to_string(), Name::to_string)
    }
}

/// A part of a subnet that one node leases addresses from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockView {
    /// The addresses.
    #[schema(value_type = String)]
    pub range: IpNet,
    /// The node's name, or its id if it is no member any more.
    pub node: String,
}
