//! `IpamDriver.*`.

use serde::{Deserialize, Serialize};

use super::{Nothing, Options, nullable};

/// Tells a gateway's request from a container's.
pub(crate) const REQUEST_TYPE: &str = "RequestAddressType";
/// The value of [`REQUEST_TYPE`] for a gateway.
pub(crate) const GATEWAY: &str = "com.docker.network.gateway";

/// `GetCapabilities`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Capabilities {
    /// The overlay chooses MACs.
    #[serde(rename = "RequiresMACAddress")]
    pub requires_mac_address: bool,
    /// Docker repeats its pools and addresses at each of its starts.
    #[serde(rename = "RequiresRequestReplay")]
    pub requires_request_replay: bool,
}

/// `GetDefaultAddressSpaces`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AddressSpaces {
    #[serde(rename = "LocalDefaultAddressSpace")]
    pub local: &'static str,
    #[serde(rename = "GlobalDefaultAddressSpace")]
    pub global: &'static str,
}

/// `RequestPool`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RequestPool {
    #[serde(deserialize_with = "nullable")]
    pub pool: String,
    #[serde(deserialize_with = "nullable")]
    pub sub_pool: String,
    #[serde(deserialize_with = "nullable")]
    pub options: Options,
    #[serde(deserialize_with = "nullable")]
    pub v6: bool,
}

/// `RequestPool`'s answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Pool {
    #[serde(rename = "PoolID")]
    pub pool_id: String,
    pub pool: String,
    pub data: Nothing,
}

/// `ReleasePool`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ReleasePool {
    #[serde(rename = "PoolID", deserialize_with = "nullable")]
    pub pool_id: String,
}

/// `RequestAddress`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RequestAddress {
    #[serde(rename = "PoolID", deserialize_with = "nullable")]
    pub pool_id: String,
    #[serde(deserialize_with = "nullable")]
    pub address: String,
    #[serde(deserialize_with = "nullable")]
    pub options: Options,
}

/// `RequestAddress`' answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Address {
    pub address: String,
    pub data: Nothing,
}

/// `ReleaseAddress`; the address comes without a prefix length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ReleaseAddress {
    #[serde(rename = "PoolID", deserialize_with = "nullable")]
    pub pool_id: String,
    #[serde(deserialize_with = "nullable")]
    pub address: String,
}
