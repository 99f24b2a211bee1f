//! Identities: 128 bits, written as 32 hexadecimal digits, never used twice. They are random, but for the
//! half of an endpoint's that is its node's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not an identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: 32 hexadecimal digits are expected")]
pub struct ParseIdError(pub String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(u128);

        impl $name {
            /// Takes its bits from a random source at the edge.
            #[must_use]
            pub const fn from_random(bits: u128) -> Self {
                Self(bits)
            }

            /// The bits, big-endian, as they stand on the wire.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            /// The inverse of [`Self::to_bytes`].
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }

            /// The first twelve digits, for people.
            #[must_use]
            pub fn short(self) -> String {
                self.to_string().chars().take(12).collect()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
                let bits = digits.then(|| u128::from_str_radix(text, 16).ok()).flatten();
                bits.map(Self).ok_or_else(|| ParseIdError(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseIdError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

id! {
    /// A host of the cluster. It stands in the host's certificate.
    NodeId
}
id! {
    /// An overlay network. Never used again after the network is gone.
    NetworkId
}
id! {
    /// One attachment of one workload to one network, for as long as it lasts. Its second half is that
    /// of the node that it is at, so that nobody takes it for another node's.
    EndpointId
}

impl EndpointId {
    /// A new one at `node`; its first half is from a random source at the edge.
    #[must_use]
    pub fn at(node: NodeId, bits: u64) -> Self {
        Self(u128::from(bits) << 64 | u128::from(node.half()))
    }

    /// Whether an endpoint of that id can be at `node`.
    #[must_use]
    pub const fn is_at(self, node: NodeId) -> bool {
        second_half(self.0) == node.half()
    }
}

impl NodeId {
    /// The half that ids of its endpoints have: no two nodes of a cluster have the same.
    #[must_use]
    pub const fn half(self) -> u64 {
        second_half(self.0)
    }
}

const fn second_half(bits: u128) -> u64 {
    let [_, _, _, _, _, _, _, _, a, b, c, d, e, f, g, h] = bits.to_be_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let id = NodeId::from_random(0x00ab_cdef);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(NodeId::from_bytes(id.to_bytes()), id);
        assert_eq!(id.short(), "000000000000");
    }

    #[test]
    fn an_endpoints_id_says_where_it_is() {
        let [node, other] = [1 << 127 | 7, 1 << 127 | 8].map(NodeId::from_random);
        let id = EndpointId::at(node, 0x0123_4567_89ab_cdef);
        assert_eq!(id.to_string(), "0123456789abcdef0000000000000007");
        assert!(id.is_at(node) && !id.is_at(other));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "12", "+0000000000000000000000000000001", "zz"] {
            assert_eq!(text.parse::<NetworkId>(), Err(ParseIdError(text.to_owned())));
        }
    }
}
