//! What the kernel drops at a container's socket because nobody takes it off in time.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd as _};

use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};

/// Follows one socket's count of dropped datagrams.
#[derive(Debug, Default)]
pub(crate) struct Overflow {
    seen: u32,
}

impl Overflow {
    /// Lets the kernel tell its count with each datagram (`SO_RXQ_OVFL`, socket(7)).
    pub(crate) fn follow(socket: &impl AsFd) -> io::Result<Self> {
        setsockopt(socket, sockopt::RxqOvfl, &1)?;
        Ok(Self::default())
    }

    /// How many were dropped since the last call. It looks at a datagram that waits, and leaves it.
    pub(crate) fn more(&mut self, socket: &impl AsFd) -> u32 {
        let Some(count) = told(socket) else { return 0 };
        let more = count.wrapping_sub(self.seen);
        self.seen = count;
        more
    }
}

fn told(socket: &impl AsFd) -> Option<u32> {
    let (mut nothing, mut space) = ([0; 0], cmsg_space!(u32));
    let mut parts = [IoSliceMut::new(&mut nothing)];
    let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
    let fd = socket.as_fd().as_raw_fd();
    let peeked = recvmsg::<()>(fd, &mut parts, Some(&mut space), flags).ok()?;
    peeked.cmsgs().ok()?.find_map(|message| match message {
        ControlMessageOwned::RxqOvfl(count) => Some(count),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn each_drop_is_told_once() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.connect(server.local_addr().unwrap()).unwrap();
        let mut overflow = Overflow::follow(&server).unwrap();
        let flood = || (0..5_000).for_each(|_| drop(client.send(&[0; 64])));
        flood();
        // Those that were dropped are told by the next one that is not.
        server.recv(&mut [0; 64]).unwrap();
        client.send(&[0; 64]).unwrap();
        server.set_nonblocking(true).unwrap();
        let mut dropped = overflow.more(&server);
        let mut taken = 1;
        while server.recv(&mut [0; 64]).is_ok() {
            taken += 1;
            dropped += overflow.more(&server);
        }
        client.send(&[0; 64]).unwrap();
        dropped += overflow.more(&server);
        assert_eq!((dropped + taken, overflow.more(&server)), (5_001, 0));
        assert!(dropped > 0);
    }
}
