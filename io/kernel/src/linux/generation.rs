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
const REQUEST: u16 = 1;

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
        self.socket.send_to(&request(), &SocketAddr::new(0, 0), 0)?;
        let (answer, _kernel) = self.socket.recv_from_full()?;
        Ok(number_in(&answer))
    }
}

/// `nlmsghdr` and an empty `nfgenmsg`.
fn request() -> Vec<u8> {
    let mut request = 20_u32.to_ne_bytes().to_vec();
    request.extend(GET_GENERATION.to_ne_bytes());
    request.extend(REQUEST.to_ne_bytes());
    request.extend([0; 12]);
    request
}

/// `NFTA_GEN_ID` is the first attribute: length 8, type 1, 32 bits big-endian.
fn number_in(answer: &[u8]) -> Option<u32> {
    let kind = u16::from_ne_bytes(*answer.get(4..)?.first_chunk()?);
    let attribute = u16::from_ne_bytes(*answer.get(22..)?.first_chunk()?);
    let number = u32::from_be_bytes(*answer.get(24..)?.first_chunk()?);
    (kind == NEW_GENERATION && attribute == 1).then_some(number)
}
