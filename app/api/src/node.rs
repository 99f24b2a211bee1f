//! Nodes: the cluster's hosts.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weft_model::{Name, NodeId, PublicKey, Role, Vtep};

/// `GET /v1/nodes` gives all of them, `GET /v1/nodes/{ref}` one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeView {
    /// The identity in its certificate.
    #[schema(value_type = String)]
    pub id: NodeId,
    /// That of its certificates. Its rows are signed with it.
    #[schema(value_type = String)]
    pub key: PublicKey,
    /// What people call it.
    #[schema(value_type = String)]
    pub name: Name,
    /// Whether it keeps the registry.
    #[schema(value_type = String, example = "worker")]
    pub role: Role,
    /// Whether it is the manager that puts changes in order at this moment.
    #[serde(default)]
    pub leads: bool,
    /// Where it sends and accepts VXLAN.
    #[schema(value_type = String)]
    pub vtep: Vtep,
    /// Where it accepts other nodes' connections.
    #[schema(value_type = String)]
    pub control: SocketAddr,
    /// How it looks from the node that answers.
    pub standing: Standing,
    /// Endpoints on it that the node that answers knows of.
    pub endpoints: u64,
}

/// How a node looks from the node that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It is the node that answers.
    #[serde(rename = "self")]
    Own,
    /// Connected.
    Up,
    /// Not connected since a moment ago: its endpoints are still answered for.
    Unreachable,
    /// Not reached from the node that answers, but by others: its endpoints' names are hidden here.
    Indirect,
    /// Not heard of by anybody for a while: its endpoints' names are hidden.
    Down,
}

impl Standing {
    /// Its one word, as in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Own => "self",
            Self::Up => "up",
            Self::Unreachable => "unreachable",
            Self::Indirect => "indirect",
            Self::Down => "down",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// `DELETE /v1/nodes/{ref}?force=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NodeRemove {
    /// Removes it although it has endpoints or is connected.
    #[serde(default)]
    pub force: bool,
}

/// `POST /v1/nodes/{ref}/role`: whether a node is a manager from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleChange {
    /// What it is to be.
    #[schema(value_type = String, example = "manager")]
    pub role: Role,
}

/// The answer to a [`RoleChange`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleChanged {
    /// The node.
    pub node: NodeView,
    /// What a person should know: what is not done yet, or that another number of managers is better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
