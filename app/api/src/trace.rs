//! Questions about what happens to a packet, decided and held.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// `GET /v1/trace?from=&to=`: the answer is `core/trace`'s, six hops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TraceQuestion {
    /// The endpoint that asks and sends: a `{ref}`.
    pub from: String,
    /// The name it asks for, or an overlay address.
    pub to: String,
    /// The port that the packet is for.
    #[serde(default)]
    pub port: Option<u16>,
    /// What it carries; TCP if there is a port, else a ping.
    #[serde(default)]
    pub protocol: Option<Protocol>,
    /// Whether pings are sent and watched on both hosts, too.
    #[serde(default)]
    pub live: bool,
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// A ping.
    Icmp,
}

impl Protocol {
    /// Its word in questions.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
        }
    }
}
