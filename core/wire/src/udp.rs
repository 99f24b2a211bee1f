//! UDP (RFC 768).

use crate::checksum::with_field;
use crate::reader::{Reader, length16};
use crate::{Checksum, Ends, ParseError, Protocol};

const HEADER: usize = 8;
const CHECKSUM_AT: usize = 6;

/// The header of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udp {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// Absent is usual in VXLAN over IPv4 (RFC 7348 §5).
    pub checksum: Checksum,
}

impl Udp {
    /// Reads a header; the payload ends where the header says.
    ///
    /// # Errors
    ///
    /// [`ParseError`] if it is cut off; a wrong checksum is told, not refused.
    pub fn parse(bytes: &[u8], ends: Ends) -> Result<(Self, &[u8]), ParseError> {
        let mut reader = Reader::new("UDP header", bytes);
        let (source_port, destination_port) = (reader.u16()?, reader.u16()?);
        let (length, found) = (reader.u16()?, reader.u16()?);
        let payload_length = usize::from(length).checked_sub(HEADER);
        let payload_length = payload_length.ok_or_else(|| reader.malformed("length", length))?;
        let payload = reader.take_slice(payload_length)?;
        let whole = bytes.get(..HEADER + payload_length).unwrap_or(bytes);
        let checksum = match found {
            0 => Checksum::Absent,
            _ => Checksum::judge(found, right(whole, ends)),
        };
        Ok((Self { source_port, destination_port, checksum }, payload))
    }

    /// Writes the header before `payload`.
    #[must_use]
    pub fn emit(&self, payload: &[u8], ends: Ends) -> Vec<u8> {
        let datagram = [
            &self.source_port.to_be_bytes()[..],
            &self.destination_port.to_be_bytes(),
            &length16(HEADER + payload.len()).to_be_bytes(),
            &[0, 0],
            payload,
        ]
        .concat();
        let field = self.checksum.field(right(&datagram, ends));
        with_field(&datagram, CHECKSUM_AT, field)
    }
}

/// A computed zero is written as all ones, since zero means absent.
fn right(datagram: &[u8], ends: Ends) -> u16 {
    match ends.checksum(Protocol::Udp, &with_field(datagram, CHECKSUM_AT, 0)) {
        0 => u16::MAX,
        sum => sum,
    }
}
