//! Ethernet II (IEEE 802.3 clause 3; RFC 894).

use weft_model::MacAddr;

use crate::ParseError;
use crate::reader::Reader;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EtherType {
    /// 0x0800.
    Ipv4,
    /// 0x0806.
    Arp,
    /// 0x86dd.
    Ipv6,
    /// All else, by its number.
    Other(u16),
}

impl EtherType {
    /// The number in the header.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Ipv4 => 0x0800,
            Self::Arp => 0x0806,
            Self::Ipv6 => 0x86dd,
            Self::Other(number) => number,
        }
    }
}

impl From<u16> for EtherType {
    fn from(number: u16) -> Self {
        match number {
            0x0800 => Self::Ipv4,
            0x0806 => Self::Arp,
            0x86dd => Self::Ipv6,
            other => Self::Other(other),
        }
    }
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ethernet {
    /// Who it is for.
    pub destination: MacAddr,
    /// Who sent it.
    pub source: MacAddr,
    /// What it carries.
    pub ethertype: EtherType,
}

impl Ethernet {
    /// Reads a header; the rest is the payload, padding included.
    ///
    /// # Errors
    ///
    /// [`ParseError::Truncated`] below 14 bytes.
    pub fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let mut reader = Reader::new("Ethernet header", bytes);
        let (destination, source) = (reader.mac()?, reader.mac()?);
        let ethertype = reader.u16()?.into();
        Ok((Self { destination, source, ethertype }, reader.rest()))
    }

    /// Writes the header before `payload`.
    #[must_use]
    pub fn emit(&self, payload: &[u8]) -> Vec<u8> {
        let ethertype = self.ethertype.number().to_be_bytes();
        [&self.destination.0[..], &self.source.0, &ethertype, payload].concat()
    }
}
