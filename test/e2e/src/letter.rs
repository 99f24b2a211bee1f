//! Datagrams with a text, forged or not, and who they come to.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use anyhow::Context as _;
use weft_kernel::Netns;
use weft_model::MacAddr;
use weft_wire::{Checksum, EtherType, Ethernet, Fragment, Ipv4, Protocol, Udp};

use crate::Plain;

/// Where letters come to.
const PORT: u16 = 7777;
/// Longer than a datagram takes from host to host.
const PATIENCE: Duration = Duration::from_secs(5);

/// One end of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Station {
    /// Its Ethernet address.
    pub mac: MacAddr,
    /// Its address.
    pub address: Ipv4Addr,
}

impl Station {
    /// The frame of a datagram to another station.
    #[must_use]
    pub fn letter(&self, to: Self, text: &str) -> Vec<u8> {
        let ip = Ipv4 {
            traffic_class: 0,
            identification: 0,
            fragment: Fragment::DO_NOT_CUT,
            ttl: 64,
            protocol: Protocol::Udp,
            source: self.address,
            destination: to.address,
            options: Vec::new(),
        };
        let udp = Udp { source_port: PORT, destination_port: PORT, checksum: Checksum::Right };
        let packet = ip.emit(&udp.emit(text.as_bytes(), ip.ends()));
        let ethertype = EtherType::Ipv4;
        Ethernet { destination: to.mac, source: self.mac, ethertype }.emit(&packet)
    }
}

impl Plain<'_> {
    /// It, as a sender or receiver of letters.
    #[must_use]
    pub const fn station(&self) -> Station {
        Station { mac: self.mac, address: self.address }
    }
}

/// Where letters come in.
#[derive(Debug)]
pub struct Inbox(UdpSocket);

impl Inbox {
    /// Listens at an address of a namespace.
    ///
    /// # Errors
    ///
    /// If the address is not there.
    pub fn at(netns: &Netns, address: Ipv4Addr) -> anyhow::Result<Self> {
        let socket = netns.run(|| UdpSocket::bind((address, PORT)))?.context("listen")?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(socket))
    }

    /// The next letter's text.
    ///
    /// # Errors
    ///
    /// If none comes.
    pub fn heard(&self) -> anyhow::Result<String> {
        let mut text = [0; 256];
        let length = self.0.recv(&mut text).context("a datagram was to arrive")?;
        Ok(String::from_utf8_lossy(text.get(..length).unwrap_or_default()).into_owned())
    }
}
