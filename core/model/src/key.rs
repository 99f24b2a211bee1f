//! Nodes' public keys.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an uncompressed point begins with (SEC 1, 2.3.3).
const UNCOMPRESSED: u8 = 4;
/// Of an uncompressed point of P-256.
const LENGTH: usize = 65;

/// The key that a node's word is checked with: a point on P-256, as it stands in its certificate.
///
/// Written as an uncompressed point in hexadecimal digits. Whether it is on the curve turns out when a
/// signature is checked with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; LENGTH]);

/// Why a text is not a public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no public key: 04 and 128 hexadecimal digits are expected")]
pub struct ParseKeyError(pub String);

impl PublicKey {
    /// The key with these coordinates, x before y.
    #[must_use]
    pub fn from_point(point: [[u8; 32]; 2]) -> Self {
        let mut bytes = [UNCOMPRESSED; LENGTH];
        for (to, from) in bytes.iter_mut().skip(1).zip(point.as_flattened()) {
            *to = *from;
        }
        Self(bytes)
    }

    /// The key that is written so; absent: it is none of P-256, or is compressed.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; LENGTH] = bytes.try_into().ok()?;
        (bytes.first() == Some(&UNCOMPRESSED)).then_some(Self(bytes))
    }

    /// The uncompressed point.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl FromStr for PublicKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 2 * LENGTH && text.bytes().all(|b| b.is_ascii_hexdigit());
        let byte = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> =
            digits.then(|| (0..text.len()).step_by(2).map(byte).collect()).flatten();
        let key = bytes.and_then(|bytes| Self::from_bytes(&bytes));
        key.ok_or_else(|| ParseKeyError(text.to_owned()))
    }
}

impl TryFrom<String> for PublicKey {
    type Error = ParseKeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_it_was_written() {
        let key = PublicKey::from_point([[0xab; 32], [7; 32]]);
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(PublicKey::from_bytes(key.as_bytes()), Some(key));
        assert!(key.to_string().starts_with("04abab"));
    }

    #[test]
    fn other_texts_are_refused() {
        let compressed = format!("02{}", "ab".repeat(32));
        let other_form = format!("03{}", "ab".repeat(64));
        for text in ["", "04", &compressed, &other_form, &format!("04{}", "é".repeat(64))] {
            assert_eq!(text.parse::<PublicKey>(), Err(ParseKeyError(text.to_owned())));
        }
    }
}
