//! IPv6 (RFC 8200); extension headers are left in the payload.

use std::net::Ipv6Addr;

use crate::reader::{Reader, length16};
use crate::{Ends, ParseError, Protocol};

/// The fixed header of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6 {
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// 20 bits.
    pub flow_label: u32,
    /// What comes next: the transport protocol or an extension header.
    pub next_header: Protocol,
    /// Hops left.
    pub hop_limit: u8,
    /// Who sent it.
    pub source: Ipv6Addr,
    /// Who it is for.
    pub destination: Ipv6Addr,
}

impl Ipv6 {
    /// Reads a header; the payload ends where the header says.
    ///
    /// # Errors
    ///
    /// [`ParseError`] if it is cut off or of another version.
    pub fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let mut reader = Reader::new("IPv6 header", bytes);
        let first = reader.u32()?;
        if first >> 28 != 6 {
            return Err(reader.malformed("version", first >> 28));
        }
        let [traffic_class, _, _, _] = (first << 4).to_be_bytes();
        let payload_length = usize::from(reader.u16()?);
        let (next_header, hop_limit) = (reader.u8()?.into(), reader.u8()?);
        let (source, destination) = (reader.ipv6()?, reader.ipv6()?);
        let header = Self {
            traffic_class,
            flow_label: first & 0x000f_ffff,
            next_header,
            hop_limit,
            source,
            destination,
        };
        Ok((header, reader.take_slice(payload_length)?))
    }

    /// Writes the header before `payload`.
    #[must_use]
    pub fn emit(&self, payload: &[u8]) -> Vec<u8> {
        let first = 6 << 28 | u32::from(self.traffic_class) << 20 | self.flow_label & 0x000f_ffff;
        [
            &first.to_be_bytes()[..],
            &length16(payload.len()).to_be_bytes(),
            &[self.next_header.number(), self.hop_limit],
            &self.source.octets(),
            &self.destination.octets(),
            payload,
        ]
        .concat()
    }

    /// The pseudo header of what it carries.
    #[must_use]
    pub const fn ends(&self) -> Ends {
        Ends::V6 { source: self.source, destination: self.destination }
    }
}
