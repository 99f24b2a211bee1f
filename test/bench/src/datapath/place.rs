//! Two ends between which is measured.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use weft_kernel::Netns;

/// A namespace that sends and one that receives.
#[derive(Debug)]
pub(crate) struct Place {
    /// Who asks and sends.
    pub(crate) from: Netns,
    /// Who answers and receives.
    pub(crate) to: Netns,
    /// The receiver's address.
    pub(crate) address: Ipv4Addr,
}

impl Place {
    /// A socket of the receiver's that takes connections.
    pub(crate) fn listen(&self) -> io::Result<TcpListener> {
        self.to.run(|| TcpListener::bind((self.address, 0)))?
    }

    /// A connection from the sender.
    pub(crate) fn connect(&self, to: SocketAddr) -> io::Result<TcpStream> {
        self.from.run(|| TcpStream::connect(to))?
    }

    /// Two sockets, the sender's connected to the receiver's.
    pub(crate) fn datagrams(&self) -> io::Result<(UdpSocket, UdpSocket)> {
        let receiver = self.to.run(|| UdpSocket::bind((self.address, 0)))??;
        let to = receiver.local_addr()?;
        let sender = self.from.run(|| {
            let sender = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            sender.connect(to).map(|()| sender)
        })??;
        Ok((sender, receiver))
    }
}
