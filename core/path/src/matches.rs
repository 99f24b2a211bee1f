//! Is a frame that was caught what the walk says it must be?
//!
//! This is the oracle of the end-to-end tests.

use std::fmt;

use weft_wire::{Content, Decoded};

use crate::{Envelope, Journey, Packet};

/// How a frame differs from what was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The walk says that there is nothing to be seen.
    #[error("the packet is dropped: no frame of it should be seen")]
    Dropped,
    /// The walk says that it leaves the host in VXLAN.
    #[error("the frame is not in VXLAN, but leaves the host")]
    NotVxlan,
    /// The walk says that it does not leave the host.
    #[error("the frame is in VXLAN, but stays on the host")]
    StaysOnHost,
    /// ARP, for instance: it is answered on the host and never leaves it.
    #[error("the innermost frame is not an IP packet")]
    NotIp,
    /// A field has another value.
    #[error("{field} should be {expected} and is {found}")]
    Differs {
        /// Which one.
        field: Field,
        /// What the walk says.
        expected: String,
        /// What was caught.
        found: String,
    },
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The sending host's VTEP.
    OuterSource,
    /// The receiving host's VTEP.
    OuterDestination,
    /// The UDP port of VXLAN.
    Port,
    /// The network on the wire.
    Vni,
    /// The sender's MAC address.
    SourceMac,
    /// The receiver's MAC address.
    DestinationMac,
    /// The sender's address.
    Source,
    /// The receiver's address.
    Destination,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OuterSource => "the outer source address",
            Self::OuterDestination => "the outer destination address",
            Self::Port => "the outer UDP port",
            Self::Vni => "the VNI",
            Self::SourceMac => "the inner source MAC address",
            Self::DestinationMac => "the inner destination MAC address",
            Self::Source => "the inner source address",
            Self::Destination => "the inner destination address",
        })
    }
}

impl Journey {
    /// Holds a frame against this journey: one caught between the hosts, or, if it stays on the
    /// host, one caught at either endpoint.
    ///
    /// # Errors
    ///
    /// The first [`Mismatch`] from the outside in.
    pub fn matches(&self, frame: &Decoded) -> Result<(), Mismatch> {
        let packet = self.packet.ok_or(Mismatch::Dropped)?;
        match packet.envelope {
            Some(envelope) => match_outer(&envelope, frame)?,
            None if frame.vxlan().is_some() => return Err(Mismatch::StaysOnHost),
            None => {}
        }
        match_inner(&packet, frame.innermost())
    }
}

fn match_outer(envelope: &Envelope, frame: &Decoded) -> Result<(), Mismatch> {
    let (ip, udp, vxlan, _inner) = frame.vxlan().ok_or(Mismatch::NotVxlan)?;
    same(Field::OuterSource, envelope.source.0, ip.source())?;
    same(Field::OuterDestination, envelope.destination.0, ip.destination())?;
    same(Field::Port, envelope.port, udp.destination_port)?;
    same(Field::Vni, envelope.vni.number(), vxlan.vni)
}

fn match_inner(packet: &Packet, frame: &Decoded) -> Result<(), Mismatch> {
    let Content::Ip(ip, _transport) = &frame.content else { return Err(Mismatch::NotIp) };
    same(Field::SourceMac, packet.source_mac, frame.ethernet.source)?;
    same(Field::DestinationMac, packet.destination_mac, frame.ethernet.destination)?;
    same(Field::Source, packet.source, ip.source())?;
    same(Field::Destination, packet.destination, ip.destination())
}

fn same<T: Copy + PartialEq + ToString>(
    field: Field,
    expected: T,
    found: T,
) -> Result<(), Mismatch> {
    if expected == found {
        return Ok(());
    }
    Err(Mismatch::Differs { field, expected: expected.to_string(), found: found.to_string() })
}
