//! `ICMPv6` (RFC 4443), as much as an overlay needs.

use crate::checksum::with_field;
use crate::reader::Reader;
use crate::{Checksum, Ends, ParseError, Protocol};

const CHECKSUM_AT: usize = 2;

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icmpv6Kind {
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
    /// A packet was too big (RFC 4443 §3.2).
    PacketTooBig {
        /// What would have fitted.
        mtu: u32,
    },
    /// Who has an address? The payload is an [`crate::Ndisc`].
    NeighborSolicitation,
    /// Somebody has an address. The payload is an [`crate::Ndisc`].
    NeighborAdvertisement {
        /// Router, solicited and override flag and 29 bits without a meaning.
        flags: u32,
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
pub struct Icmpv6 {
    /// What it says.
    pub kind: Icmpv6Kind,
    /// As found.
    pub checksum: Checksum,
}

impl Icmpv6 {
    /// Reads a header; the rest is the payload.
    ///
    /// # Errors
    ///
    /// [`ParseError::Truncated`] below 8 bytes; a wrong checksum is told, not refused.
    pub fn parse(bytes: &[u8], ends: Ends) -> Result<(Self, &[u8]), ParseError> {
        let mut reader = Reader::new("ICMPv6 header", bytes);
        let [kind, code] = reader.take()?;
        let found = reader.u16()?;
        let kind = Icmpv6Kind::from_wire(kind, code, reader.take()?);
        let right = ends.checksum(Protocol::Icmpv6, &with_field(bytes, CHECKSUM_AT, 0));
        Ok((Self { kind, checksum: Checksum::judge(found, right) }, reader.rest()))
    }

    /// Writes the header before `payload`.
    #[must_use]
    pub fn emit(&self, payload: &[u8], ends: Ends) -> Vec<u8> {
        let (kind, code, rest) = self.kind.to_wire();
        let message = [&[kind, code, 0, 0][..], &rest, payload].concat();
        let field = self.checksum.field(ends.checksum(Protocol::Icmpv6, &message));
        with_field(&message, CHECKSUM_AT, field)
    }
}

impl Icmpv6Kind {
    const fn from_wire(kind: u8, code: u8, rest: [u8; 4]) -> Self {
        let [a, b, c, d] = rest;
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let whole = u32::from_be_bytes(rest);
        match (kind, code, whole) {
            (128, 0, _) => Self::EchoRequest { id: high, sequence: low },
            (129, 0, _) => Self::EchoReply { id: high, sequence: low },
            (2, 0, mtu) => Self::PacketTooBig { mtu },
            (135, 0, 0) => Self::NeighborSolicitation,
            (136, 0, flags) => Self::NeighborAdvertisement { flags },
            _ => Self::Other { kind, code, rest },
        }
    }

    const fn to_wire(self) -> (u8, u8, [u8; 4]) {
        match self {
            Self::EchoRequest { id, sequence } => (128, 0, halves(id, sequence)),
            Self::EchoReply { id, sequence } => (129, 0, halves(id, sequence)),
            Self::PacketTooBig { mtu } => (2, 0, mtu.to_be_bytes()),
            Self::NeighborSolicitation => (135, 0, [0; 4]),
            Self::NeighborAdvertisement { flags } => (136, 0, flags.to_be_bytes()),
            Self::Other { kind, code, rest } => (kind, code, rest),
        }
    }
}

const fn halves(high: u16, low: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    [a, b, c, d]
}
