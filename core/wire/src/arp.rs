//! ARP for IPv4 over Ethernet (RFC 826).

use std::net::Ipv4Addr;

use weft_model::MacAddr;

use crate::ParseError;
use crate::reader::Reader;

/// What an ARP packet wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Who has the target address?
    Request,
    /// The sender has it.
    Reply,
    /// All else, by its number.
    Other(u16),
}

/// A whole ARP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Request or reply.
    pub operation: Operation,
    /// The speaker's MAC address.
    pub sender_mac: MacAddr,
    /// The speaker's IP address.
    pub sender_ip: Ipv4Addr,
    /// In a request: usually zero.
    pub target_mac: MacAddr,
    /// In a request: the address asked for.
    pub target_ip: Ipv4Addr,
}

impl Arp {
    /// Reads a packet; bytes after it are Ethernet's padding.
    ///
    /// # Errors
    ///
    /// [`ParseError`] if it is cut off or not about IPv4 over Ethernet.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new("ARP packet", bytes);
        match (reader.u16()?, reader.u16()?, reader.take()?) {
            (1, 0x0800, [6, 4]) => {}
            (1, 0x0800, [length, _]) => return Err(reader.malformed("hardware length", length)),
            (1, protocol, _) => return Err(reader.malformed("protocol type", protocol)),
            (hardware, _, _) => return Err(reader.malformed("hardware type", hardware)),
        }
        let operation = match reader.u16()? {
            1 => Operation::Request,
            2 => Operation::Reply,
            other => Operation::Other(other),
        };
        let (sender_mac, sender_ip) = (reader.mac()?, reader.ipv4()?);
        let (target_mac, target_ip) = (reader.mac()?, reader.ipv4()?);
        Ok(Self { operation, sender_mac, sender_ip, target_mac, target_ip })
    }

    /// Writes the packet.
    #[must_use]
    pub fn emit(&self) -> Vec<u8> {
        let operation: u16 = match self.operation {
            Operation::Request => 1,
            Operation::Reply => 2,
            Operation::Other(number) => number,
        };
        [
            &[0, 1, 8, 0, 6, 4][..],
            &operation.to_be_bytes(),
            &self.sender_mac.0,
            &self.sender_ip.octets(),
            &self.target_mac.0,
            &self.target_ip.octets(),
        ]
        .concat()
    }
}
