//! Frames as they pass an interface: an `AF_PACKET` socket.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant, SystemTime};

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind,
    recvmsg, setsockopt, socket, sockopt,
};

use crate::Netns;

mod filter;
pub(crate) mod tunnel;
mod woven;

pub(crate) use filter::{Is, Step, any_of};

/// Room for frames that wait to be read.
const RECEIVE_BUFFER: usize = 4 << 20;
/// The largest frame, also where segmentation is left to the hardware.
const FRAME: usize = 1 << 16;

/// A listener on one interface, or on all of a namespace.
#[derive(Debug)]
pub struct Capture {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

/// A frame that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When, by the kernel's clock.
    pub at: SystemTime,
    /// The interface's number.
    pub interface: usize,
    /// Whether it left by the interface, else it came in.
    pub outgoing: bool,
    /// How long it was.
    pub length: usize,
    /// What was kept of it, Ethernet header included.
    pub bytes: Vec<u8>,
}

impl Capture {
    /// Begins to listen on `interface` inside a namespace: frames both in and out.
    ///
    /// # Errors
    ///
    /// If there is no such interface, or the right is missing.
    pub fn open(netns: &Netns, interface: &str) -> io::Result<Self> {
        netns.run(|| Self::open_here(Some(address_of(interface)?)))?
    }

    /// Begins to listen on every interface of a namespace.
    ///
    /// # Errors
    ///
    /// If the right is missing.
    pub fn open_all(netns: &Netns) -> io::Result<Self> {
        netns.run(|| Self::open_here(None))?
    }

    /// Begins to listen to what programs carry on a host: what workloads send at their ports, and
    /// datagrams to `port` that come from other hosts.
    ///
    /// # Errors
    ///
    /// If the right is missing, or the kernel refuses the filter.
    pub fn open_programs(host: &Netns, port: u16) -> io::Result<Self> {
        let capture = Self::open_all(host)?;
        capture.keep_only(&woven::arriving(port))?;
        Ok(capture)
    }

    fn open_here(address: Option<LinkAddr>) -> io::Result<Self> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll)?;
        setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER)?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        let mut capture = Self { socket, buffer: vec![0; FRAME] };
        if let Some(address) = address {
            bind(capture.socket.as_raw_fd(), &address)?;
            // Between its making and its binding a socket hears every interface.
            while capture.read().is_some() {}
        }
        Ok(capture)
    }

    /// From now on hears only the frames that `program` accepts (`SO_ATTACH_FILTER`, socket(7)).
    pub(crate) fn keep_only(&self, program: &[Step]) -> io::Result<()> {
        let steps: Vec<libc::sock_filter> = program.iter().map(Step::instruction).collect();
        let program = libc::sock_fprog {
            len: steps.len().try_into().map_err(io::Error::other)?,
            filter: steps.as_ptr().cast_mut(),
        };
        let length = libc::socklen_t::try_from(size_of_val(&program)).map_err(io::Error::other)?;
        let pointer = std::ptr::from_ref(&program).cast();
        let (fd, option) = (self.socket.as_raw_fd(), libc::SO_ATTACH_FILTER);
        // SAFETY: the kernel copies the program, whose steps outlive the call, and changes nothing.
        #[expect(unsafe_code, reason = "nix has no wrapper for this option")]
        let done = unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, option, pointer, length) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// From now on hears UDP datagrams to `port`, and nothing else.
    ///
    /// # Errors
    ///
    /// If the kernel refuses the filter.
    pub fn keep_tunnel(&self, port: u16) -> io::Result<()> {
        self.keep_only(&tunnel::to(port))
    }

    /// The next frame, Ethernet header included; nothing if none passes before the deadline.
    pub fn next(&mut self, deadline: Instant) -> Option<Vec<u8>> {
        self.hear(deadline).map(|heard| heard.bytes)
    }

    /// The next frame with what the kernel says of it; nothing if none passes before the deadline.
    pub fn hear(&mut self, deadline: Instant) -> Option<Heard> {
        loop {
            if let Some(heard) = self.read() {
                return Some(heard);
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

    /// How many frames were not heard since this was last asked, because nobody read fast enough
    /// (`PACKET_STATISTICS`, packet(7)).
    #[must_use]
    pub fn lost(&self) -> u64 {
        let mut statistics = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        let Ok(mut length) = libc::socklen_t::try_from(size_of_val(&statistics)) else { return 0 };
        let pointer = std::ptr::from_mut(&mut statistics).cast();
        let (fd, option) = (self.socket.as_raw_fd(), libc::PACKET_STATISTICS);
        // SAFETY: the pointer is to a structure that outlives the call, and the length is its own.
        #[expect(unsafe_code, reason = "nix has no wrapper for this option")]
        let done =
            unsafe { libc::getsockopt(fd, libc::SOL_PACKET, option, pointer, &raw mut length) };
        if done == 0 { statistics.tp_drops.into() } else { 0 }
    }

    fn read(&mut self) -> Option<Heard> {
        let mut space = nix::cmsg_space!(libc::timespec);
        let (fd, flags) = (self.socket.as_raw_fd(), MsgFlags::MSG_TRUNC);
        let mut into = [IoSliceMut::new(&mut self.buffer)];
        let message = recvmsg::<LinkAddr>(fd, &mut into, Some(&mut space), flags).ok()?;
        let stamps = message.cmsgs().ok()?.find_map(|said| match said {
            ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
            _ => None,
        });
        let address = message.address?;
        let (length, outgoing) = (message.bytes, address.pkttype() == libc::PACKET_OUTGOING);
        let interface = address.ifindex();
        Some(Heard {
            at: stamps.map_or_else(SystemTime::now, |since| SystemTime::UNIX_EPOCH + since),
            interface,
            outgoing,
            length,
            bytes: self.buffer.get(..length).unwrap_or(&self.buffer).to_vec(),
        })
    }
}

/// The link-layer address, which holds the interface's number.
pub(crate) fn address_of(interface: &str) -> io::Result<LinkAddr> {
    getifaddrs()?
        .filter(|entry| entry.interface_name == interface)
        .find_map(|entry| entry.address?.as_link_addr().copied())
        .ok_or_else(|| {
            let text = format!("there is no interface {interface}");
            io::Error::new(io::ErrorKind::NotFound, text)
        })
}
