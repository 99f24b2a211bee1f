//! Neighbour discovery: who has this IPv6 address (RFC 4861 §4.3 and §4.4).

use std::net::Ipv6Addr;

use weft_model::MacAddr;

use crate::ParseError;
use crate::reader::Reader;

/// The option types that carry a MAC address (RFC 4861 §4.6.1).
const LINK_ADDRESSES: [u8; 2] = [1, 2];
/// Such an option's length in units of eight bytes.
const LINK_ADDRESS_UNITS: u8 = 1;

/// The body of a solicitation or an advertisement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ndisc {
    /// The address in question.
    pub target: Ipv6Addr,
    /// As on the wire.
    pub options: Vec<u8>,
}

impl Ndisc {
    /// Reads what follows the message's first eight bytes.
    ///
    /// # Errors
    ///
    /// [`ParseError::Truncated`] if the target is not whole.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new("neighbour discovery message", bytes);
        Ok(Self { target: reader.ipv6()?, options: reader.rest().to_vec() })
    }

    /// Writes it.
    #[must_use]
    pub fn emit(&self) -> Vec<u8> {
        [&self.target.octets()[..], &self.options].concat()
    }

    /// The MAC address of the first option that carries one.
    #[must_use]
    pub fn link_address(&self) -> Option<MacAddr> {
        let mut reader = Reader::new("neighbour discovery option", &self.options);
        loop {
            let [kind, units] = reader.take().ok()?;
            if LINK_ADDRESSES.contains(&kind) && units == LINK_ADDRESS_UNITS {
                return reader.mac().ok();
            }
            reader.take_slice((usize::from(units) * 8).checked_sub(2)?).ok()?;
        }
    }
}
