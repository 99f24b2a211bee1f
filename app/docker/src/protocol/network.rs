//! `NetworkDriver.*`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Options, nullable};

/// Where the `-o key=value` of a network stand.
pub(crate) const GENERIC: &str = "com.docker.network.generic";
/// `--internal`.
pub(crate) const INTERNAL: &str = "com.docker.network.internal";

/// `GetCapabilities`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Capabilities {
    /// `global` would need Swarm.
    pub scope: &'static str,
    pub connectivity_scope: &'static str,
}

/// `CreateNetwork`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateNetwork {
    #[serde(rename = "NetworkID", deserialize_with = "nullable")]
    pub network_id: String,
    #[serde(deserialize_with = "nullable")]
    pub options: Options,
    #[serde(rename = "IPv4Data", deserialize_with = "nullable")]
    pub ipv4: Vec<IpamData>,
    #[serde(rename = "IPv6Data", deserialize_with = "nullable")]
    pub ipv6: Vec<IpamData>,
}

/// What an IPAM driver answered for a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct IpamData {
    #[serde(deserialize_with = "nullable")]
    pub address_space: String,
    #[serde(deserialize_with = "nullable")]
    pub pool: String,
    #[serde(deserialize_with = "nullable")]
    pub gateway: String,
    #[serde(deserialize_with = "nullable")]
    pub aux_addresses: BTreeMap<String, String>,
}

/// `DeleteNetwork`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct DeleteNetwork {
    #[serde(rename = "NetworkID", deserialize_with = "nullable")]
    pub network_id: String,
}

/// `CreateEndpoint`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CreateEndpoint {
    #[serde(rename = "NetworkID", deserialize_with = "nullable")]
    pub network_id: String,
    #[serde(rename = "EndpointID", deserialize_with = "nullable")]
    pub endpoint_id: String,
    #[serde(deserialize_with = "nullable")]
    pub interface: Interface,
}

/// An endpoint's addresses, as IPAM gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Interface {
    #[serde(deserialize_with = "nullable")]
    pub address: String,
    #[serde(deserialize_with = "nullable")]
    pub mac_address: String,
}

/// `CreateEndpoint`'s answer. Docker refuses what it has sent itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EndpointCreated {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<ChosenMac>,
}

/// What the driver adds to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ChosenMac {
    pub mac_address: String,
}

/// `Join`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Join {
    #[serde(rename = "NetworkID", deserialize_with = "nullable")]
    pub network_id: String,
    #[serde(rename = "EndpointID", deserialize_with = "nullable")]
    pub endpoint_id: String,
    #[serde(deserialize_with = "nullable")]
    pub sandbox_key: String,
}

/// `Join`'s answer. No gateway, so that Docker adds `docker_gwbridge` for the way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Joined {
    pub interface_name: InterfaceName,
}

/// Which interface goes in, and what it is called inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InterfaceName {
    pub src_name: String,
    pub dst_prefix: &'static str,
}

/// `Leave` and `DeleteEndpoint`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Endpoint {
    #[serde(rename = "EndpointID", deserialize_with = "nullable")]
    pub endpoint_id: String,
}

/// `EndpointOperInfo`'s answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OperInfo {
    pub value: BTreeMap<String, String>,
}
