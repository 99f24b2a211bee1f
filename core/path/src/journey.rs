//! What a walk gives: the steps in travel order, and how they end.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use weft_model::{EndpointId, Hop, MacAddr, NetworkId};

use crate::{Accepted, Crossing, Delivered, Dropped, Envelope, Lookup, Neighbor};

/// One packet's way from an endpoint to a name or an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journey {
    /// Who sends.
    pub from: EndpointId,
    /// What it was told to reach.
    pub to: String,
    /// The network it all happens on; absent if the sender is unknown.
    pub network: Option<NetworkId>,
    /// The hops that went well; all six if nothing was dropped.
    pub steps: Vec<Step>,
    /// Where it ended early, if it did.
    pub dropped: Option<Dropped>,
    /// What is seen of it on the way; absent if it was dropped.
    pub packet: Option<Packet>,
}

/// One hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which one.
    pub hop: Hop,
    /// What happens there, in one plain sentence.
    pub told: String,
    /// What was decided there.
    pub decided: Decided,
}

/// What a hop decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// Name to address.
    Address(Lookup),
    /// Address to MAC address.
    Mac(Neighbor),
    /// MAC address to host.
    Envelope(Envelope),
    /// Between the hosts.
    Crossing(Crossing),
    /// Let in.
    Accepted(Accepted),
    /// Arrived.
    Delivered(Delivered),
    /// This hop is left out: both ends are on one host.
    StaysOnHost,
}

/// The packet as it is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet {
    /// The outer header; absent if it stays on the host.
    pub envelope: Option<Envelope>,
    /// The sender's MAC address.
    pub source_mac: MacAddr,
    /// The receiver's MAC address.
    pub destination_mac: MacAddr,
    /// The sender's address.
    pub source: IpAddr,
    /// The receiver's address.
    pub destination: IpAddr,
}

impl Journey {
    /// The endpoint at which it arrives, if it does.
    #[must_use]
    pub fn delivered(&self) -> Option<Delivered> {
        self.steps.iter().find_map(|step| match step.decided {
            Decided::Delivered(delivered) => Some(delivered),
            _ => None,
        })
    }

    /// Whether it arrives without leaving the sender's host.
    #[must_use]
    pub fn stays_on_host(&self) -> bool {
        self.packet.is_some_and(|packet| packet.envelope.is_none())
    }
}

impl fmt::Display for Journey {
    /// One line a hop, its word first; a dropped packet's last lines say why and what to try.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> =
            self.steps.iter().map(|step| format!("{:<9}{}", step.hop, step.told)).collect();
        if let Some(Dropped { hop, reason, told, hint }) = &self.dropped {
            lines.push(format!("{hop:<9}dropped ({reason}): {told}"));
            lines.push(format!("{:<9}{hint}", "try"));
        }
        f.write_str(&lines.join("\n"))
    }
}
