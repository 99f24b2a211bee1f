//! Attachments: plain network namespaces on overlay networks.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_model::Name;

use crate::EndpointView;

/// `POST /v1/attachments`: puts a network namespace of this host on a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachmentCreate {
    /// The network: a `{ref}`.
    pub network: String,
    /// What others find it by, and what it is detached by.
    #[schema(value_type = String)]
    pub name: Name,
    /// Further names.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub aliases: Vec<Name>,
    /// A network namespace's file, as the agent sees it: `/run/netns/web`, `/proc/4711/ns/net`.
    #[schema(value_type = String, example = "/run/netns/web")]
    pub netns: PathBuf,
    /// A certain address; absent: the next free one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
}

/// What has been made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttachmentView {
    /// The endpoint; `DELETE /v1/attachments/{ref}` takes its id or name.
    pub endpoint: EndpointView,
    /// The interface inside the namespace.
    pub interface: String,
    /// Where names are answered inside the namespace.
    #[schema(value_type = String, example = "127.0.0.11")]
    pub nameserver: IpAddr,
}
