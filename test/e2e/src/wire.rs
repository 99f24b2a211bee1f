//! Frames as they are, put on an interface.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};

use anyhow::Context as _;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, bind, send, socket};
use weft_kernel::Netns;
use weft_model::MacAddr;

/// A socket that sends whole frames, headers and all, by one interface.
#[derive(Debug)]
pub struct Wire {
    socket: OwnedFd,
    /// The interface's own Ethernet address.
    pub mac: MacAddr,
}

impl Wire {
    /// Opens an interface of a namespace.
    ///
    /// # Errors
    ///
    /// If there is none of the name.
    pub fn open(netns: &Netns, interface: &str) -> anyhow::Result<Self> {
        netns.run(|| Self::open_here(interface))?
    }

    fn open_here(interface: &str) -> anyhow::Result<Self> {
        let mut all = getifaddrs()?.filter(|entry| entry.interface_name == interface);
        let link = all.find_map(|entry| entry.address?.as_link_addr().copied());
        let link: LinkAddr = link.with_context(|| format!("there is no interface {interface}"))?;
        let mac = MacAddr(link.addr().with_context(|| format!("{interface} has no address"))?);
        let (flags, nothing) = (SockFlag::SOCK_CLOEXEC, None);
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, nothing)?;
        bind(socket.as_raw_fd(), &link)?;
        Ok(Self { socket, mac })
    }

    /// Sends a frame.
    ///
    /// # Errors
    ///
    /// If the interface is down or the frame too long for it.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        send(self.socket.as_raw_fd(), frame, MsgFlags::empty())?;
        Ok(())
    }
}
