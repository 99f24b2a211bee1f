//! A cursor over bytes that cannot run past their end.

use std::net::{Ipv4Addr, Ipv6Addr};

use weft_model::MacAddr;

use crate::ParseError;

/// Takes fields off the front of `rest`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(what: &'static str, rest: &'a [u8]) -> Self {
        Self { what, rest }
    }

    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], ParseError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or_else(|| self.truncated(N))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn take_slice(&mut self, length: usize) -> Result<&'a [u8], ParseError> {
        let split = self.rest.split_at_checked(length);
        let (head, rest) = split.ok_or_else(|| self.truncated(length))?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ParseError> {
        self.take().map(|[byte]: [u8; 1]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, ParseError> {
        self.take().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ParseError> {
        self.take().map(u32::from_be_bytes)
    }

    pub(crate) fn mac(&mut self) -> Result<MacAddr, ParseError> {
        self.take().map(MacAddr)
    }

    pub(crate) fn ipv4(&mut self) -> Result<Ipv4Addr, ParseError> {
        self.take::<4>().map(Ipv4Addr::from)
    }

    pub(crate) fn ipv6(&mut self) -> Result<Ipv6Addr, ParseError> {
        self.take::<16>().map(Ipv6Addr::from)
    }

    pub(crate) const fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn malformed(&self, field: &'static str, value: impl Into<u32>) -> ParseError {
        ParseError::Malformed { what: self.what, field, value: value.into() }
    }

    const fn truncated(&self, needed: usize) -> ParseError {
        ParseError::Truncated { what: self.what, needed, given: self.rest.len() }
    }
}

/// A length that goes into a 16-bit field; what does not fit is the field's largest value.
pub(crate) fn length16(bytes: usize) -> u16 {
    u16::try_from(bytes).unwrap_or(u16::MAX)
}
