//! One transaction of the packet filter as bytes, for what is done too often for a process.
//!
//! The formats are those of `linux/netfilter/nfnetlink.h` and `nf_tables.h`.

use std::io;

use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST};
use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};

use crate::Netns;

/// `NFNL_MSG_BATCH_BEGIN` and `NFNL_MSG_BATCH_END`.
const BEGIN: u16 = 0x10;
const END: u16 = 0x11;
/// `NFNL_SUBSYS_NFTABLES`.
const SUBSYSTEM: u16 = 10;
const NEW_ELEMENT: u16 = SUBSYSTEM << 8 | 12;
const DELETE_ELEMENT: u16 = SUBSYSTEM << 8 | 14;
/// `NFPROTO_IPV4`.
const IPV4: u8 = 2;
const NESTED: u16 = 0x8000;
/// `NLMSG_ERROR`, which acknowledges too.
const ERROR: u16 = 2;

/// A set of IPv4 addresses with time-outs.
pub(crate) struct Set<'a> {
    pub(crate) table: &'a str,
    pub(crate) name: &'a str,
}

/// Puts one element with a time-out, in milliseconds, in the place of all there are.
pub(crate) fn refill(netns: &Netns, set: &Set<'_>, key: [u8; 4], timeout: u64) -> io::Result<()> {
    let which = [text(1, set.table), text(2, set.name)].concat();
    let element = [nested(1, &attribute(1, &key)), attribute(4, &timeout.to_be_bytes())].concat();
    let elements = nested(3, &nested(1, &element));
    let batch = [
        message(BEGIN, 0, (0, SUBSYSTEM), &[]),
        // Without elements it is about all of them.
        message(DELETE_ELEMENT, 0, (IPV4, 0), &which),
        message(NEW_ELEMENT, NLM_F_CREATE | NLM_F_ACK, (IPV4, 0), &[which, elements].concat()),
        message(END, 0, (0, SUBSYSTEM), &[]),
    ];
    netns.run(|| send(&batch.concat()))?
}

/// The kernel answers with the first error, or with the acknowledgement that was asked for.
fn send(batch: &[u8]) -> io::Result<()> {
    let mut socket = Socket::new(NETLINK_NETFILTER)?;
    socket.bind_auto()?;
    socket.send_to(batch, &SocketAddr::new(0, 0), 0)?;
    loop {
        let (answer, _kernel) = socket.recv_from_full()?;
        match code(&answer) {
            Some(0) => return Ok(()),
            Some(code) => return Err(io::Error::from_raw_os_error(-code)),
            None => {}
        }
    }
}

fn code(answer: &[u8]) -> Option<i32> {
    let kind = u16::from_ne_bytes(*answer.get(4..)?.first_chunk()?);
    let code = i32::from_ne_bytes(*answer.get(16..)?.first_chunk()?);
    (kind == ERROR).then_some(code)
}

/// `nlmsghdr` and `nfgenmsg`, then attributes.
fn message(kind: u16, flags: u16, (family, resource): (u8, u16), attributes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(20 + attributes.len()).unwrap_or(u32::MAX);
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend((NLM_F_REQUEST | flags).to_ne_bytes());
    message.extend([0; 8]);
    message.extend([family, 0]);
    message.extend(resource.to_be_bytes());
    message.extend(attributes);
    message
}

fn text(kind: u16, text: &str) -> Vec<u8> {
    attribute(kind, &[text.as_bytes(), &[0]].concat())
}

fn nested(kind: u16, attributes: &[u8]) -> Vec<u8> {
    attribute(kind | NESTED, attributes)
}

/// Length and kind, the value, and zeros up to a multiple of four.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    let mut attribute = length.to_ne_bytes().to_vec();
    attribute.extend(kind.to_ne_bytes());
    attribute.extend(value);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}
