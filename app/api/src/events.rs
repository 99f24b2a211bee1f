//! What has happened to hosts, and what they believed.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weft_model::MacAddr;

/// `GET /v1/events?…`: which events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventFilter {
    /// Of this node, a `{ref}`; else of the one that is asked.
    pub host: Option<String>,
    /// Of all nodes, in the order of their clocks.
    #[serde(default)]
    pub all: bool,
    /// Not those before, RFC 3339.
    pub since: Option<String>,
    /// Not those after, RFC 3339.
    pub until: Option<String>,
    /// Only this kind: `endpoint`, `node`, `drift` and the like.
    pub kind: Option<String>,
    /// The newest so many; 1000 unless told otherwise.
    pub most: Option<u32>,
}

/// `GET /v1/events`: what has happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventsView {
    /// Oldest first.
    pub events: Vec<EventView>,
    /// The hosts that were asked.
    pub hosts: Vec<EventsOf>,
}

/// How far a host's events go back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventsOf {
    /// Its name.
    pub host: String,
    /// From when on it keeps them, RFC 3339; nothing if it did not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Why it did not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What to try.
    #[serde(default, rename = "try", skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// One event; `GET /v1/events/follow` streams them, one a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// Counts the host's events.
    pub seq: u64,
    /// When the host took it in, RFC 3339.
    pub at: String,
    /// The host.
    pub host: String,
    /// What, in one word.
    pub what: String,
    /// What, in a sentence.
    pub told: String,
    /// Who did it, as far as the host knows.
    pub who: String,
    /// Why.
    pub why: String,
    /// What, in full.
    #[schema(value_type = Object)]
    pub change: serde_json::Value,
}

/// `GET /v1/events/at?at=&host=`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BeliefQuestion {
    /// The moment, RFC 3339.
    pub at: String,
    /// The node, a `{ref}`; else the one that is asked.
    pub host: Option<String>,
}

/// What a host believed at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BeliefView {
    /// The host.
    pub host: String,
    /// The moment, RFC 3339.
    pub at: String,
    /// Whether its agent may not have run then.
    pub away: bool,
    /// Whether a manager answered it.
    pub managed: bool,
    /// The last event until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<EventView>,
    /// The first event after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<EventView>,
    /// The members.
    pub nodes: Vec<BelievedNode>,
    /// The networks.
    pub networks: Vec<BelievedNetwork>,
    /// Who was where.
    pub endpoints: Vec<BelievedEndpoint>,
}

/// A member, as it was believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BelievedNode {
    /// Its name.
    pub name: String,
    /// Its address on the underlay.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// Whether it was reached.
    pub up: bool,
}

/// A network, as it was believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BelievedNetwork {
    /// Its name.
    pub name: String,
    /// Its number on the wire.
    pub vni: u32,
}

/// An endpoint, as it was believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BelievedEndpoint {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its network.
    pub network: String,
    /// Its host.
    pub node: String,
    /// Its addresses.
    #[schema(value_type = Vec<String>)]
    pub addresses: Vec<IpAddr>,
    /// Its Ethernet address.
    #[schema(value_type = String)]
    pub mac: MacAddr,
    /// Whether its names were answered.
    pub visible: bool,
}
