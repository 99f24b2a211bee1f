//! ICMP for IPv4 (RFC 792).

use crate::checksum::with_field;
use crate::reader::Reader;
use crate::{Checksum, ParseError, internet_checksum};

const CHECKSUM_AT: usize = 2;

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpKind {
    /// A ping.
    EchoRequest {
        /// Tells pingers apart.
        id: u16,
        /// Counts up.
        sequence: u16,
    },
    /// The answer to a ping.
    EchoReply {
        /// As in the request.
        id: u16,
        /// As in the request.
        sequence: u16,
    },
    /// A packet was too big (RFC 1191 §4).
    FragmentationNeeded {
        /// What would have fitted.
        mtu: u16,
    },
    /// All else.
    Other {
        /// The type number.
        kind: u8,
        /// The code number.
        code: u8,
        /// The four bytes after the checksum.
        rest: [u8; 4],
    },
}

/// A message's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// What it says.
    pub kind: IcmpKind,
    /// As found.
    pub checksum: Checksum,
}

impl Icmp {
    /// Reads a header; the rest is the payload.
    ///
    /// # Errors
    ///
    /// [`ParseError::Truncated`] below 8 bytes; a wrong checksum is told, not refused.
    pub fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let mut reader = Reader::new("ICMP header", bytes);
        let [kind, code] = reader.take()?;
        let found = reader.u16()?;
        let kind = IcmpKind::from_wire(kind, code, reader.take()?);
        let right = internet_checksum(&with_field(bytes, CHECKSUM_AT, 0));
        Ok((Self { kind, checksum: Checksum::judge(found, right) }, reader.rest()))
    }

    /// Writes the header before `payload`.
    #[must_use]
    pub fn emit(&self, payload: &[u8]) -> Vec<u8> {
        let (kind, code, rest) = self.kind.to_wire();
        let message = [&[kind, code, 0, 0][..], &rest, payload].concat();
        let field = self.checksum.field(internet_checksum(&message));
        with_field(&message, CHECKSUM_AT, field)
    }
}

impl IcmpKind {
    const fn from_wire(kind: u8, code: u8, rest: [u8; 4]) -> Self {
        let [a, b, c, d] = rest;
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        match (kind, code, high) {
            (8, 0, id) => Self::EchoRequest { id, sequence: low },
            (0, 0, id) => Self::EchoReply { id, sequence: low },
            (3, 4, 0) => Self::FragmentationNeeded { mtu: low },
            _ => Self::Other { kind, code, rest },
        }
    }

    const fn to_wire(self) -> (u8, u8, [u8; 4]) {
        let (kind, code, high, low) = match self {
            Self::EchoRequest { id, sequence } => (8, 0, id, sequence),
            Self::EchoReply { id, sequence } => (0, 0, id, sequence),
            Self::FragmentationNeeded { mtu } => (3, 4, 0, mtu),
            Self::Other { kind, code, rest } => return (kind, code, rest),
        };
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        (kind, code, [a, b, c, d])
    }
}
