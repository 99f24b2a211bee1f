//! Packets that did not arrive, and why.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_model::{Hop, MacAddr};

/// `GET /v1/drops`: what one host has dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DropsView {
    /// How many, by reason; in travel order, reasons without drops included.
    pub counters: Vec<DropCount>,
    /// The last ones that were looked at, oldest first. Some of all: at most 32 a second and reason.
    pub samples: Vec<DropView>,
}

/// How many packets were dropped for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DropCount {
    /// The hop of the packet's path.
    #[schema(value_type = String, example = "decap")]
    pub hop: Hop,
    /// Why: the label of `weft_path_drops_total`.
    pub reason: String,
    /// Since the host's kernel started, or since the agent did for questions to the name server.
    pub count: u64,
    /// What to try.
    pub hint: String,
}

/// One packet that was dropped; `GET /v1/drops/follow` streams them, one a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DropView {
    /// When, RFC 3339.
    pub at: String,
    /// The host that dropped it.
    pub host: String,
    /// The hop of its path.
    #[schema(value_type = String, example = "decap")]
    pub hop: Hop,
    /// Why: the label of `weft_path_drops_total`.
    pub reason: String,
    /// Who sent it, as far as that is known.
    pub who: String,
    /// The interface of the host, or the port of a segment, that it came in by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The network that it is of, by its name if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The network identifier that it bears, or that of its port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vni: Option<u32>,
    /// Of VXLAN, its sender on the underlay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub outer_source: Option<IpAddr>,
    /// The frame's sender; of VXLAN the inner frame's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub source_mac: Option<MacAddr>,
    /// The frame's destination, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub destination_mac: Option<MacAddr>,
    /// The packet's sender, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub source: Option<IpAddr>,
    /// The packet's destination, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub destination: Option<IpAddr>,
    /// The frame's length in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// What to try.
    pub hint: String,
}
