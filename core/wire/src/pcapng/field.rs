//! Numbers, padding and options of pcap-ng.

use super::WHAT;
use crate::ParseError;

/// What a block says beyond its head.
#[derive(Clone, Debug, Default)]
pub(super) struct Options(Vec<(u16, Vec<u8>)>);

impl Options {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// An empty text is left out; no text is longer than an option can be.
    pub(super) fn text(self, code: u16, text: &str) -> Self {
        if text.is_empty() { self } else { self.bytes(code, text.as_bytes()) }
    }

    pub(super) fn bytes(mut self, code: u16, value: &[u8]) -> Self {
        let bounded = value.get(..usize::from(u16::MAX)).unwrap_or(value);
        self.0.push((code, bounded.to_vec()));
        self
    }

    fn emit(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (code, value) in &self.0 {
            let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&code.to_le_bytes());
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&padded(value));
        }
        // opt_endofopt.
        bytes.extend_from_slice(&[0; 4]);
        bytes
    }

    /// Reads what begins at `at`; nothing need be there.
    pub(super) fn parse(body: &[u8], mut at: usize) -> Result<Self, ParseError> {
        let mut options = Self::default();
        while at < body.len() {
            let (code, length) = (little16(body, at)?, usize::from(little16(body, at + 2)?));
            if code == 0 {
                break;
            }
            options.0.push((code, take(body, at + 4, length)?.to_vec()));
            at += 4 + length.next_multiple_of(4);
        }
        Ok(options)
    }

    pub(super) fn value_of(&self, code: u16) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| *known == code).map(|(_, value)| value.as_slice())
    }

    pub(super) fn text_of(&self, code: u16) -> String {
        String::from_utf8_lossy(self.value_of(code).unwrap_or_default()).into_owned()
    }
}

/// A block around its head and its options; what does not fit a block's length is not written.
pub(super) fn block(kind: u32, head: &[u8], options: &Options) -> Vec<u8> {
    let options = options.emit();
    let length = u32::try_from(12 + head.len() + options.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, head, &options, &length].concat()
}

/// Filled up to a multiple of 32 bits.
pub(super) fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(4), 0);
    padded
}

pub(super) fn take(bytes: &[u8], at: usize, length: usize) -> Result<&[u8], ParseError> {
    let there = bytes.get(at..).unwrap_or_default();
    there.get(..length).ok_or(ParseError::Truncated {
        what: WHAT,
        needed: length,
        given: there.len(),
    })
}

pub(super) fn little16(bytes: &[u8], at: usize) -> Result<u16, ParseError> {
    let chunk = take(bytes, at, 2)?.first_chunk().copied().unwrap_or_default();
    Ok(u16::from_le_bytes(chunk))
}

pub(super) fn little32(bytes: &[u8], at: usize) -> Result<u32, ParseError> {
    let chunk = take(bytes, at, 4)?.first_chunk().copied().unwrap_or_default();
    Ok(u32::from_le_bytes(chunk))
}
