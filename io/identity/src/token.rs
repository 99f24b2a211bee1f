//! Join tokens: `weft-1-<sha256 of the CA's certificate>-<secret>`.
//!
//! The hash pins the CA before the secret is sent to anybody.

use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, digest as sha256};

/// What every token begins with.
const PREFIX: &str = "weft-1-";
const HASH_DIGITS: usize = 64;
const SECRET_DIGITS: usize = 32;

/// What a host joins with.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The SHA-256 of the CA's certificate, DER.
    pub ca_sha256: [u8; 32],
    /// Shows that the host was invited.
    pub secret: String,
}

/// Why a text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseTokenError {
    /// It begins with something else.
    #[error("it does not begin with `{PREFIX}`")]
    Prefix,
    /// The hash is missing, too short, too long or no hexadecimal number.
    #[error("its CA part is not {HASH_DIGITS} hexadecimal digits")]
    Hash,
    /// The secret is missing, too short, too long or no hexadecimal number.
    #[error("its secret part is not {SECRET_DIGITS} hexadecimal digits")]
    Secret,
}

impl ParseTokenError {
    /// What to try.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Prefix => "copy what `weft token` prints on a manager",
            Self::Hash | Self::Secret => "copy the whole token: it may have been cut off",
        }
    }
}

impl FromStr for Token {
    type Err = ParseTokenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.trim().strip_prefix(PREFIX).ok_or(ParseTokenError::Prefix)?;
        let (hash, secret) = rest.split_once('-').unwrap_or((rest, ""));
        let ca_sha256 = unhex(hash).ok_or(ParseTokenError::Hash)?;
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if secret.len() != SECRET_DIGITS || !secret.bytes().all(hex) {
            return Err(ParseTokenError::Secret);
        }
        Ok(Self { ca_sha256, secret: secret.to_owned() })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}-{}", hex(&self.ca_sha256), self.secret)
    }
}

impl fmt::Debug for Token {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}-…", hex(&self.ca_sha256))
    }
}

/// The SHA-256 of `bytes`.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(sha256(&SHA256, bytes).as_ref());
    hash
}

/// The hash of a certificate (DER), as tokens have it.
#[must_use]
pub fn fingerprint(certificate: &[u8]) -> String {
    hex(&digest(certificate))
}

/// The hash of a secret, as the registry keeps it.
#[must_use]
pub fn hash(secret: &str) -> String {
    hex(&digest(secret.as_bytes()))
}

/// Whether two hashes are the same, in a time that does not tell where they differ.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    let differences = one.bytes().zip(other.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && differences == 0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != HASH_DIGITS || !text.is_ascii() {
        return None;
    }
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        std::str::from_utf8(pair).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok())
    });
    pairs.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token { ca_sha256: [0xab; 32], secret: "0123456789abcdef0123456789abcdef".into() }
    }

    #[test]
    fn a_token_reads_back_as_it_was_written() {
        assert_eq!(token().to_string().parse(), Ok(token()));
        assert_eq!(format!("  {}\n", token()).parse(), Ok(token()));
    }

    #[test]
    fn each_kind_of_damage_has_its_error() {
        let whole = token().to_string();
        let cut = &whole[..whole.len() - 1];
        assert_eq!("SWMTKN-1-a-b".parse::<Token>(), Err(ParseTokenError::Prefix));
        assert_eq!("weft-1-abc-def".parse::<Token>(), Err(ParseTokenError::Hash));
        assert_eq!(whole[..71].parse::<Token>(), Err(ParseTokenError::Secret));
        assert_eq!(cut.parse::<Token>(), Err(ParseTokenError::Secret));
    }

    #[test]
    fn a_printed_token_does_not_show_its_secret() {
        assert!(!format!("{:?}", token()).contains("0123456789"));
    }

    #[test]
    fn hashes_are_compared_whole() {
        assert!(same(&hash("a"), &hash("a")));
        assert!(!same(&hash("a"), &hash("b")));
        assert!(!same("ab", "abc"));
    }
}
