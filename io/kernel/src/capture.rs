//! Frames as they pass an interface: an `AF_PACKET` socket.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind, recv, setsockopt,
    socket, sockopt,
};

use crate::Netns;

/// Room for frames that wait to be read.
const RECEIVE_BUFFER: usize = 4 << 20;
/// The largest frame, also where segmentation is left to the hardware.
const FRAME: usize = 1 << 16;

/// A listener on one interface.
#[derive(Debug)]
pub struct Capture {
    socket: OwnedFd,
}

impl Capture {
    /// Begins to listen on `interface` inside a namespace: frames both in and out.
    ///
    /// # Errors
    ///
    /// If there is no such interface, or the right is missing.
    pub fn open(netns: &Netns, interface: &str) -> io::Result<Self> {
        netns.run(|| Self::open_here(interface))?
    }

    fn open_here(interface: &str) -> io::Result<Self> {
        let address = address_of(interface)?;
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll)?;
        setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER)?;
        bind(socket.as_raw_fd(), &address)?;
        let mut capture = Self { socket };
        // Between its making and its binding a socket hears every interface.
        while capture.read().is_some() {}
        Ok(capture)
    }

    /// The next frame, Ethernet header included; nothing if none passes before the deadline.
    pub fn next(&mut self, deadline: Instant) -> Option<Vec<u8>> {
        loop {
            if let Some(frame) = self.read() {
                return Some(frame);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut waiting = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            match poll(&mut waiting, timeout) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_broken) => return None,
            }
        }
    }

    fn read(&mut self) -> Option<Vec<u8>> {
        let mut frame = vec![0; FRAME];
        let length = recv(self.socket.as_raw_fd(), &mut frame, MsgFlags::empty()).ok()?;
        frame.truncate(length);
        Some(frame)
    }
}

/// The link-layer address, which holds the interface's number.
fn address_of(interface: &str) -> io::Result<LinkAddr> {
    getifaddrs()?
        .filter(|entry| entry.interface_name == interface)
        .find_map(|entry| entry.address?.as_link_addr().copied())
        .ok_or_else(|| {
            let text = format!("there is no interface {interface}");
            io::Error::new(io::ErrorKind::NotFound, text)
        })
}
