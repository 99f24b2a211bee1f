//! IPv4 (RFC 791).

use std::net::Ipv4Addr;

use crate::reader::{Reader, length16};
use crate::{Ends, ParseError, Protocol, internet_checksum};

const WHAT: &str = "IPv4 header";
const SHORTEST: usize = 20;
const CHECKSUM_AT: usize = 10;

/// Flags and offset: which part of a datagram this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment(u16);

impl Fragment {
    /// A whole datagram that routers may cut.
    pub const WHOLE: Self = Self(0);
    /// A whole datagram that must not be cut.
    pub const DO_NOT_CUT: Self = Self(0x4000);

    /// The field as it stands on the wire.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The inverse of [`Self::from_bits`].
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether routers must not cut it.
    #[must_use]
    pub const fn is_uncuttable(self) -> bool {
        self.0 & 0x4000 != 0
    }

    /// Whether it is not the whole datagram.
    #[must_use]
    pub const fn is_part(self) -> bool {
        self.0 & 0x3fff != 0
    }
}

/// The header of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv4 {
    /// DSCP and ECN.
    pub traffic_class: u8,
    /// Common to the fragments of one datagram.
    pub identification: u16,
    /// Which part of the datagram this is.
    pub fragment: Fragment,
    /// Hops left.
    pub ttl: u8,
    /// What it carries.
    pub protocol: Protocol,
    /// Who sent it.
    pub source: Ipv4Addr,
    /// Who it is for.
    pub destination: Ipv4Addr,
    /// Whole 32-bit words, at most ten.
    pub options: Vec<u8>,
}

impl Ipv4 {
    /// Reads a header and verifies its checksum; the payload ends where the header says.
    ///
    /// # Errors
    ///
    /// [`ParseError`] says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let mut reader = Reader::new(WHAT, bytes);
        let first = reader.u8()?;
        let header_length = usize::from(first & 0x0f) * 4;
        if first >> 4 != 4 || header_length < SHORTEST {
            return Err(reader.malformed("version and header length", first));
        }
        let traffic_class = reader.u8()?;
        let total_length = reader.u16()?;
        let identification = reader.u16()?;
        let fragment = Fragment(reader.u16()?);
        let (ttl, protocol) = (reader.u8()?, reader.u8()?.into());
        let _verified_below = reader.u16()?;
        let (source, destination) = (reader.ipv4()?, reader.ipv4()?);
        let options = reader.take_slice(header_length - SHORTEST)?.to_vec();
        if bytes.get(..header_length).map(internet_checksum) != Some(0) {
            return Err(ParseError::Checksum { what: WHAT });
        }
        let payload_length = usize::from(total_length).checked_sub(header_length);
        let length =
            payload_length.ok_or_else(|| reader.malformed("total length", total_length))?;
        let payload = reader.take_slice(length)?;
        let header = Self {
            traffic_class,
            identification,
            fragment,
            ttl,
            protocol,
            source,
            destination,
            options,
        };
        Ok((header, payload))
    }

    /// Writes the header before `payload`, checksum included.
    ///
    /// Options are cut to ten words and filled up to whole ones.
    #[must_use]
    pub fn emit(&self, payload: &[u8]) -> Vec<u8> {
        let mut options: Vec<u8> = self.options.iter().take(40).copied().collect();
        options.resize(options.len().next_multiple_of(4), 0);
        let header_length = SHORTEST + options.len();
        let words = u8::try_from(header_length / 4).unwrap_or(0x0f);
        let header = [
            &[0x40 | words, self.traffic_class][..],
            &length16(header_length + payload.len()).to_be_bytes(),
            &self.identification.to_be_bytes(),
            &self.fragment.0.to_be_bytes(),
            &[self.ttl, self.protocol.number(), 0, 0],
            &self.source.octets(),
            &self.destination.octets(),
            &options,
        ]
        .concat();
        let right = internet_checksum(&header);
        let mut packet = crate::checksum::with_field(&header, CHECKSUM_AT, right);
        packet.extend_from_slice(payload);
        packet
    }

    /// The pseudo header of what it carries.
    #[must_use]
    pub const fn ends(&self) -> Ends {
        Ends::V4 { source: self.source, destination: self.destination }
    }
}
