//! What one host's kernel holds of a network.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_model::MacAddr;

/// The tables of a network, as the kernel was read just now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NetworkTables {
    /// Its number on the wire.
    pub vni: u32,
    /// What carries it: `bridge` or `bpf`.
    pub engine: String,
    /// Homes of stations on other hosts.
    #[schema(value_type = Vec<Object>)]
    pub homes: Vec<HomeRow>,
    /// Addresses of stations on other hosts.
    #[schema(value_type = Vec<Object>)]
    pub addresses: Vec<AddressRow>,
    /// Interfaces of this host's own endpoints.
    pub ports: Vec<String>,
}

/// Where frames for a station are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeRow {
    /// The station.
    pub mac: MacAddr,
    /// The tunnel end point of its host.
    pub host: IpAddr,
}

/// Which station has an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressRow {
    /// The address.
    pub address: IpAddr,
    /// The station.
    pub mac: MacAddr,
}
