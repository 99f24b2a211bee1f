//! The packet filter's generation: a number that grows with every change of any table.
//!
//! While it stays, nothing has to be listed again: 10 µs instead of a process of 8 ms.

use std::io;

use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};

use crate::Netns;

/// `NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN` (`linux/netfilter/nf_tables.h`).
const GET_GENERATION: u16 = 10 << 8 | 16;
const NEW_GENERATION: u16 = 10 << 8 | 15;
const GET_CHAIN: u16 = 10 << 8 | 4;
const NEW_CHAIN: u16 = 10 << 8 | 3;
/// `NFTA_CHAIN_TABLE` and `NFTA_CHAIN_NAME`.
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const REQUEST: u16 = 1;
/// `NLMSG_ERROR`.
const ERROR: u16 = 2;
/// `NFPROTO_IPV4`.
const IPV4: u8 = 2;

/// A connection to a namespace's packet filter.
#[derive(Debug)]
pub(super) struct Generation {
    socket: Socket,
}

impl Generation {
    pub(super) fn open(netns: &Netns) -> io::Result<Self> {
        netns.run(|| {
            let mut socket = Socket::new(NETLINK_NETFILTER)?;
            socket.bind_auto()?;
            Ok(Self { socket })
        })?
    }

    /// The number; nothing if the kernel does not tell.
    pub(super) fn number(&self) -> io::Result<Option<u32>> {
        Ok(number_in(&self.ask(&request(GET_GENERATION, 0, &[]))?))
    }

    /// Whether a table of IPv4's has a chain.
    pub(super) fn has_chain(&self, table: &str, chain: &str) -> io::Result<bool> {
        let names = [attribute(CHAIN_TABLE, table), attribute(CHAIN_NAME, chain)].concat();
        let answer = self.ask(&request(GET_CHAIN, IPV4, &names))?;
        match (kind_of(&answer), error_in(&answer)) {
            (Some(NEW_CHAIN), _) => Ok(true),
            (Some(ERROR), Some(nix::libc::ENOENT)) => Ok(false),
            (_, Some(code)) => Err(io::Error::from_raw_os_error(code)),
            (_, None) => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn ask(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.socket.send_to(request, &SocketAddr::new(0, 0), 0)?;
        self.socket.recv_from_full().map(|(answer, _kernel)| answer)
    }
}

/// `nlmsghdr` and `nfgenmsg`, then attributes.
fn request(kind: u16, family: u8, attributes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(20 + attributes.len()).unwrap_or(u32::MAX);
    let mut request = length.to_ne_bytes().to_vec();
    request.extend(kind.to_ne_bytes());
    request.extend(REQUEST.to_ne_bytes());
    request.extend([0; 8]);
    request.extend([family, 0, 0, 0]);
    request.extend(attributes);
    request
}

/// Length and kind, a text with its zero, and zeros up to a multiple of four.
fn attribute(kind: u16, text: &str) -> Vec<u8> {
    let length = u16::try_from(5 + text.len()).unwrap_or(u16::MAX);
    let mut attribute = length.to_ne_bytes().to_vec();
    attribute.extend(kind.to_ne_bytes());
    attribute.extend(text.as_bytes());
    attribute.push(0);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

fn kind_of(answer: &[u8]) -> Option<u16> {
    Some(u16::from_ne_bytes(*answer.get(4..)?.first_chunk()?))
}

fn error_in(answer: &[u8]) -> Option<i32> {
    i32::from_ne_bytes(*answer.get(16..)?.first_chunk()?).checked_neg()
}

/// `NFTA_GEN_ID` is the first attribute: length 8, type 1, 32 bits big-endian.
fn number_in(answer: &[u8]) -> Option<u32> {
    let attribute = u16::from_ne_bytes(*answer.get(22..)?.first_chunk()?);
    let number = u32::from_be_bytes(*answer.get(24..)?.first_chunk()?);
    (kind_of(answer) == Some(NEW_GENERATION) && attribute == 1).then_some(number)
}
