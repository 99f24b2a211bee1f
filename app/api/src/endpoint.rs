//! Endpoints: where a workload meets a network.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weft_model::{EndpointId, MacAddr, Name, NetworkId, NodeId};

use crate::Standing;

/// `GET /v1/endpoints?network=` gives all of them, `GET /v1/endpoints/{ref}` one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointView {
    /// Unique for all time.
    #[schema(value_type = String)]
    pub id: EndpointId,
    /// The workload's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub name: Option<Name>,
    /// Everything else it is found by.
    #[schema(value_type = Vec<String>)]
    pub aliases: Vec<Name>,
    /// The network's name, or its id while it has none.
    pub network: String,
    /// The network's id.
    #[schema(value_type = String)]
    pub network_id: NetworkId,
    /// Overlay addresses; the first is the main one.
    #[schema(value_type = Vec<String>)]
    pub addresses: Vec<IpAddr>,
    /// Its Ethernet address.
    #[schema(value_type = String)]
    pub mac: MacAddr,
    /// The name of the node it is on, or the id if that is no member any more.
    pub node: String,
    /// The id of the node it is on.
    #[schema(value_type = String)]
    pub node_id: NodeId,
    /// What it is to the node that answers.
    pub kind: EndpointKind,
    /// How the node it is on looks from the node that answers.
    pub standing: Standing,
    /// The interface on the host's side, for endpoints of the node that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
}

/// What an endpoint is to the node that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndpointKind {
    /// A container of this host's Docker Engine.
    Docker,
    /// A network namespace of this host, attached by hand or by `weft run`.
    Plain,
    /// On another node.
    Remote,
}

impl EndpointKind {
    /// Its one word, as in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Plain => "plain",
            Self::Remote => "remote",
        }
    }
}

impl fmt::Display for EndpointKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The question part of `GET /v1/endpoints`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EndpointFilter {
    /// Only those of this network: a `{ref}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}
