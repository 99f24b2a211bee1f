//! Echo requests, sent out of a namespace as a process in it would.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrStorage, recv, sendto,
    socket,
};
use weft_wire::{Checksum, Icmp, IcmpKind};

use super::Nonce;
use crate::Netns;

/// An `ICMPv6` echo request (RFC 4443 §4.1).
const REQUEST_V6: u8 = 128;
/// An answer is no larger.
const ANSWER: usize = 2048;

/// A way to ask for echoes.
#[derive(Debug)]
pub struct Echo {
    socket: OwnedFd,
    to: IpAddr,
    nonce: Nonce,
}

impl Echo {
    /// Will ask `to`, out of the namespace; `nonce` stands in every request and every answer.
    ///
    /// # Errors
    ///
    /// If the right is missing.
    pub fn open(netns: &Netns, to: IpAddr, nonce: Nonce) -> io::Result<Self> {
        netns.run(|| Self::open_here(to, nonce))?
    }

    fn open_here(to: IpAddr, nonce: Nonce) -> io::Result<Self> {
        let (family, protocol) = match to {
            IpAddr::V4(_) => (AddressFamily::Inet, SockProtocol::Icmp),
            IpAddr::V6(_) => (AddressFamily::Inet6, SockProtocol::IcmpV6),
        };
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        Ok(Self { socket: socket(family, SockType::Raw, flags, protocol)?, to, nonce })
    }

    /// Sends one.
    ///
    /// # Errors
    ///
    /// What the kernel says: there is no way, for instance.
    pub fn send(&self, sequence: u16) -> io::Result<()> {
        let id = u16::from_be_bytes([self.nonce[0], self.nonce[1]]);
        let message = match self.to {
            IpAddr::V4(_) => {
                let kind = IcmpKind::EchoRequest { id, sequence };
                Icmp { kind, checksum: Checksum::Right }.emit(&self.nonce)
            }
            // The kernel sums it up: only it knows the source address by now (RFC 3542 §3.1).
            IpAddr::V6(_) => {
                let header = [REQUEST_V6, 0, 0, 0];
                let numbers = [id.to_be_bytes(), sequence.to_be_bytes()].concat();
                [&header[..], &numbers, &self.nonce].concat()
            }
        };
        let to = SockaddrStorage::from(SocketAddr::new(self.to, 0));
        sendto(self.socket.as_raw_fd(), &message, &to, MsgFlags::empty())?;
        Ok(())
    }

    /// Whether an answer comes before the deadline.
    #[must_use]
    pub fn answered(&self, deadline: Instant) -> bool {
        loop {
            let mut buffer = [0; ANSWER];
            match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Ok(length) => {
                    let message = buffer.get(..length).unwrap_or_default();
                    if self.is_answer(message) {
                        return true;
                    }
                }
                Err(Errno::EAGAIN) if self.wait(deadline) => {}
                Err(_nothing) => return false,
            }
        }
    }

    /// A raw socket of IPv4 hears the IP header too, and of both families the requests to itself.
    fn is_answer(&self, message: &[u8]) -> bool {
        let header = match self.to {
            IpAddr::V4(_) => message.first().map_or(0, |first| usize::from(first & 0xf) * 4),
            IpAddr::V6(_) => 0,
        };
        let reply = if self.to.is_ipv4() { 0 } else { 129 };
        message.get(header) == Some(&reply) && message.ends_with(&self.nonce)
    }

    fn wait(&self, deadline: Instant) -> bool {
        let Some(left) = deadline.checked_duration_since(Instant::now()) else { return false };
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut waiting = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        matches!(poll(&mut waiting, timeout), Ok(1..) | Err(Errno::EINTR))
    }
}

/// Whether a host answers pings; blocks for as long as that may take.
///
/// # Errors
///
/// If the right is missing, or there is no way.
pub fn answers_ping(to: IpAddr, nonce: Nonce, within: Duration) -> io::Result<bool> {
    let echo = Echo::open_here(to, nonce)?;
    for sequence in 0..3 {
        echo.send(sequence)?;
        if echo.answered(Instant::now() + within / 3) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_answers_and_what_is_not_there_does_not() {
        let netns = Netns::unnamed().unwrap();
        let answers = |to: &str| {
            let to = to.parse().unwrap();
            netns.run(|| answers_ping(to, *b"a nonce of tests", Duration::from_millis(300)))
        };
        assert!(answers("127.0.0.1").unwrap().is_err());
        let up = || std::process::Command::new("ip").args(["link", "set", "lo", "up"]).status();
        assert!(netns.run(up).unwrap().unwrap().success());
        assert!(answers("127.0.0.1").unwrap().unwrap());
        assert!(answers("::1").unwrap().unwrap());
        assert!(answers("192.0.2.1").unwrap().is_err());
    }
}
