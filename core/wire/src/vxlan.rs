//! VXLAN (RFC 7348 §5).

use crate::ParseError;
use crate::reader::Reader;

/// The I flag: the network identifier is valid.
const VALID: u8 = 0x08;

/// The eight bytes before the inner frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vxlan {
    /// 24 bits as they stand on the wire; other systems use numbers that Weft does not.
    pub vni: u32,
}

impl Vxlan {
    /// Reads a header; the rest is the inner frame. Reserved bits are ignored, as the RFC asks.
    ///
    /// # Errors
    ///
    /// [`ParseError`] if it is cut off or the I flag is not set.
    pub fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let mut reader = Reader::new("VXLAN header", bytes);
        let [flags, _, _, _] = reader.take()?;
        if flags & VALID == 0 {
            return Err(reader.malformed("flags", flags));
        }
        let vni = reader.u32()? >> 8;
        Ok((Self { vni }, reader.rest()))
    }

    /// Writes the header before `frame`; bits over the 24th are cut off.
    #[must_use]
    pub fn emit(&self, frame: &[u8]) -> Vec<u8> {
        [&[VALID, 0, 0, 0][..], &(self.vni << 8).to_be_bytes(), frame].concat()
    }
}
