//! TCP headers (RFC 9293 §3.1).

use std::fmt;

use crate::checksum::with_field;
use crate::reader::Reader;
use crate::{Checksum, Ends, ParseError, Protocol};

const SHORTEST: usize = 20;
const CHECKSUM_AT: usize = 16;

/// The control bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

/// From the lowest bit on.
const WORDS: [&str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];

impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = (0..).zip(WORDS).filter(|(bit, _)| self.0 >> bit & 1 == 1).map(|(_, word)| word);
        f.write_str(&set.collect::<Vec<_>>().join(" "))
    }
}

/// The header of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// Of the first byte of the payload.
    pub sequence: u32,
    /// The next byte that is expected.
    pub acknowledgment: u32,
    /// Four bits without a meaning yet.
    pub reserved: u8,
    /// The control bits.
    pub flags: TcpFlags,
    /// How much the sender takes.
    pub window: u16,
    /// As found.
    pub checksum: Checksum,
    /// Counts only with the urgent bit.
    pub urgent: u16,
    /// Whole 32-bit words, at most ten.
    pub options: Vec<u8>,
}

impl Tcp {
    /// Reads a header; the rest is the payload.
    ///
    /// # Errors
    ///
    /// [`ParseError`] if it is cut off; a wrong checksum is told, not refused.
    pub fn parse(bytes: &[u8], ends: Ends) -> Result<(Self, &[u8]), ParseError> {
        let mut reader = Reader::new("TCP header", bytes);
        let (source_port, destination_port) = (reader.u16()?, reader.u16()?);
        let (sequence, acknowledgment) = (reader.u32()?, reader.u32()?);
        let [offset, flags] = reader.take()?;
        let window = reader.u16()?;
        let found = reader.u16()?;
        let urgent = reader.u16()?;
        let options_length = (usize::from(offset >> 4) * 4).checked_sub(SHORTEST);
        let length = options_length.ok_or_else(|| reader.malformed("data offset", offset >> 4))?;
        let options = reader.take_slice(length)?.to_vec();
        let header = Self {
            source_port,
            destination_port,
            sequence,
            acknowledgment,
            reserved: offset & 0x0f,
            flags: TcpFlags(flags),
            window,
            checksum: Checksum::judge(found, right(bytes, ends)),
            urgent,
            options,
        };
        Ok((header, reader.rest()))
    }

    /// Writes the header before `payload`; options are cut to ten words and filled up.
    #[must_use]
    pub fn emit(&self, payload: &[u8], ends: Ends) -> Vec<u8> {
        let mut options: Vec<u8> = self.options.iter().take(40).copied().collect();
        options.resize(options.len().next_multiple_of(4), 0);
        let words = u8::try_from((SHORTEST + options.len()) / 4).unwrap_or(0x0f);
        let segment = [
            &self.source_port.to_be_bytes()[..],
            &self.destination_port.to_be_bytes(),
            &self.sequence.to_be_bytes(),
            &self.acknowledgment.to_be_bytes(),
            &[words << 4 | self.reserved & 0x0f, self.flags.0],
            &self.window.to_be_bytes(),
            &[0, 0],
            &self.urgent.to_be_bytes(),
            &options,
            payload,
        ]
        .concat();
        let field = self.checksum.field(right(&segment, ends));
        with_field(&segment, CHECKSUM_AT, field)
    }
}

fn right(segment: &[u8], ends: Ends) -> u16 {
    ends.checksum(Protocol::Tcp, &with_field(segment, CHECKSUM_AT, 0))
}
