//! What is asked, of whom.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use weft_api::{Protocol, TraceQuestion};
use weft_doctor::firewall::Carries;
use weft_model::{EndpointId, MacAddr, NetworkId, Vni};
use weft_path::Packet;

use crate::problem::{Answer, problem};

/// A packet that somebody wants to know about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Question {
    /// Who sends: a reference to an endpoint.
    pub(crate) from: String,
    /// A name or an address.
    pub(crate) to: String,
    /// What it is.
    pub(crate) kind: PacketKind,
    /// Whether pings are sent and watched, too.
    pub(crate) live: bool,
}

/// What a packet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PacketKind {
    /// A ping.
    #[default]
    Echo,
    /// TCP, to a port if one was given.
    Tcp(Option<u16>),
    /// UDP, likewise.
    Udp(Option<u16>),
}

/// A packet on its last two hops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Arriving {
    /// The network.
    pub(crate) network: NetworkId,
    /// The network on the wire.
    pub(crate) vni: Vni,
    /// The sending host; absent if it has not left this one.
    pub(crate) outer_source: Option<IpAddr>,
    /// Who sends it.
    pub(crate) from: EndpointId,
    /// Who gets it.
    pub(crate) endpoint: EndpointId,
    /// Addresses of both ends.
    pub(crate) packet: Packet,
    /// What it is.
    pub(crate) kind: PacketKind,
}

impl TryFrom<TraceQuestion> for Question {
    type Error = weft_api::ApiProblem;

    fn try_from(asked: TraceQuestion) -> Answer<Self> {
        let TraceQuestion { from, to, port, protocol, live } = asked;
        let kind = match (protocol, port) {
            (Some(Protocol::Icmp), Some(_)) => {
                let hint = "leave --port out, or ask for tcp or udp";
                return Err(problem(weft_api::ProblemKind::BadInput, "ICMP has no ports", hint));
            }
            (Some(Protocol::Icmp), None) | (None, None) => PacketKind::Echo,
            (Some(Protocol::Udp), port) => PacketKind::Udp(port),
            (Some(Protocol::Tcp) | None, port) => PacketKind::Tcp(port),
        };
        Ok(Self { from, to, kind, live })
    }
}

impl From<PacketKind> for Carries {
    fn from(kind: PacketKind) -> Self {
        match kind {
            PacketKind::Echo => Self::Echo,
            PacketKind::Tcp(port) => Self::Tcp(port),
            PacketKind::Udp(port) => Self::Udp(port),
        }
    }
}

/// The station that a frame is from, and whom it is for.
pub(super) const fn stations(packet: &Packet) -> (MacAddr, MacAddr) {
    (packet.source_mac, packet.destination_mac)
}
