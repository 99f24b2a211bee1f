//! The Internet checksum (RFC 1071) and the pseudo header that TCP, UDP and `ICMPv6` add to it.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::Protocol;

/// How a checksum was found, and how it is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// Zero in UDP: not computed (RFC 768; RFC 6935 for tunnels over IPv6).
    Absent,
    /// It adds up.
    Right,
    /// It does not. Frames caught on the host that sends them are like this: the device computes
    /// the sum later.
    Wrong(u16),
}

/// The addresses of an IP packet: the pseudo header of its transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// RFC 793 §3.1.
    V4 {
        /// The sender.
        source: Ipv4Addr,
        /// The receiver.
        destination: Ipv4Addr,
    },
    /// RFC 8200 §8.1.
    V6 {
        /// The sender.
        source: Ipv6Addr,
        /// The receiver.
        destination: Ipv6Addr,
    },
}

/// The ones' complement of the ones' complement sum of `bytes` (RFC 1071).
#[must_use]
pub fn internet_checksum(bytes: &[u8]) -> u16 {
    !fold(sum(bytes))
}

fn sum(bytes: &[u8]) -> u64 {
    let words = bytes.chunks(2).map(|chunk| match *chunk {
        [high, low] => u64::from(u16::from_be_bytes([high, low])),
        [high] => u64::from(u16::from_be_bytes([high, 0])),
        _ => 0,
    });
    words.sum()
}

fn fold(mut sum: u64) -> u16 {
    while let Err(_carry) = u16::try_from(sum) {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}

impl Ends {
    /// The checksum of a whole segment with its checksum field set to zero.
    pub(crate) fn checksum(&self, protocol: Protocol, segment: &[u8]) -> u16 {
        let addresses = match self {
            Self::V4 { source, destination } => sum(&source.octets()) + sum(&destination.octets()),
            Self::V6 { source, destination } => sum(&source.octets()) + sum(&destination.octets()),
        };
        let length = u64::try_from(segment.len()).unwrap_or(u64::MAX >> 32);
        let length = (length >> 16) + (length & 0xffff);
        !fold(addresses + u64::from(protocol.number()) + length + sum(segment))
    }
}

impl Checksum {
    /// Compares what stands in the header with what should.
    pub(crate) const fn judge(found: u16, right: u16) -> Self {
        if found == right { Self::Right } else { Self::Wrong(found) }
    }

    /// What to write, given the right value.
    pub(crate) const fn field(self, right: u16) -> u16 {
        match self {
            Self::Absent => 0,
            Self::Right => right,
            Self::Wrong(value) => value,
        }
    }
}

/// A copy of `segment` whose checksum field, the 16 bits at `at`, is `value`.
pub(crate) fn with_field(segment: &[u8], at: usize, value: u16) -> Vec<u8> {
    let mut bytes = segment.to_vec();
    if let Some(field) = bytes.get_mut(at..at.saturating_add(2)) {
        field.copy_from_slice(&value.to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_adds_up() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(internet_checksum(&bytes), !0xddf2);
    }

    #[test]
    fn an_odd_byte_counts_as_the_high_one() {
        assert_eq!(internet_checksum(&[0x12, 0x34, 0x56]), !(0x1234 + 0x5600));
    }
}
