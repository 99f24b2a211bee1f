//! What flows now, measured while somebody asks.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// `GET /v1/top?host=&millis=`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TopQuestion {
    /// Of this node, a `{ref}`; else of the one that is asked.
    pub host: Option<String>,
    /// Measured over so many milliseconds; 500 unless told otherwise, which is the most.
    pub millis: Option<u32>,
}

/// What flowed on one host during the measurement; all rates are per second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopView {
    /// The host.
    pub host: String,
    /// How long it was measured, in milliseconds.
    pub millis: u64,
    /// Its workloads, by their interfaces' counters.
    pub endpoints: Vec<LoadView>,
    /// The largest flows, by frames that were seen; each where it enters the host's network.
    pub flows: Vec<FlowView>,
    /// The other hosts.
    pub peers: Vec<PeerView>,
    /// Frames that came too fast to be seen: flows are larger than told.
    pub unseen: u64,
}

/// One workload on one network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoadView {
    /// Its name, or its id.
    pub name: String,
    /// The network.
    pub network: String,
    /// Its main address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    /// Bytes that it sent.
    pub sent_bytes: u64,
    /// Packets that it sent.
    pub sent_packets: u64,
    /// Bytes that it got.
    pub got_bytes: u64,
    /// Packets that it got.
    pub got_packets: u64,
    /// Packets of it that were dropped: by its interface, and by the guard as far as looked at.
    pub dropped: u64,
}

/// One direction of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowView {
    /// The network.
    pub network: String,
    /// Who sends: a name, or an address.
    pub from: String,
    /// Who is sent to.
    pub to: String,
    /// The protocol, and the ports if it has any.
    pub protocol: String,
    /// Bytes.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// The other host that it goes to or comes from, if it leaves this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The time to that host and back, in microseconds, as last probed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip: Option<u64>,
}

/// Another host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerView {
    /// Its name.
    pub node: String,
    /// The time to it and back, in microseconds, as its connection has last probed it; nothing
    /// without a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip: Option<u64>,
}
