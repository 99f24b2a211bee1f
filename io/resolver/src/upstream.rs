//! Where questions go that are not ours.

use std::io;
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream as StdTcpStream, UdpSocket as StdUdpSocket,
};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, connect, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;
use tokio::net::TcpStream;

use crate::DEADLINE;

/// The asker's own resolver: opens sockets that lead to it.
pub trait Upstream: Send + Sync + 'static {
    /// A connected UDP socket. It may block for a moment: it is called off the runtime's threads.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    fn udp(&self) -> io::Result<StdUdpSocket>;

    /// A TCP connection.
    ///
    /// # Errors
    ///
    /// The future ends with what the kernel says.
    fn tcp(&self) -> BoxFuture<'_, io::Result<TcpStream>>;

    /// As many UDP sockets, each connected to a server beyond and with a port of its own, opened where
    /// the asker is. It may block for a moment, as [`Self::udp`].
    ///
    /// # Errors
    ///
    /// What the kernel says; or that there is no such way.
    fn beyond(&self, _server: SocketAddr, _count: usize) -> io::Result<Vec<StdUdpSocket>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Where the last sockets led, nobody answered: the next ones may lead elsewhere.
    fn failed(&self) {}
}

type Open<S> = Arc<dyn Fn() -> io::Result<S> + Send + Sync>;
type OpenBeyond = Arc<dyn Fn(SocketAddr, usize) -> io::Result<Vec<StdUdpSocket>> + Send + Sync>;

/// An upstream of functions that open sockets, such as inside a container's namespace.
///
/// They may block; they are called off the runtime's threads.
pub struct Factories {
    udp: Open<StdUdpSocket>,
    tcp: Open<StdTcpStream>,
    beyond: OpenBeyond,
}

impl Factories {
    /// Takes the functions; each returns connected sockets, the last one to a server beyond.
    pub fn new(
        udp: impl Fn() -> io::Result<StdUdpSocket> + Send + Sync + 'static,
        tcp: impl Fn() -> io::Result<StdTcpStream> + Send + Sync + 'static,
        beyond: impl Fn(SocketAddr, usize) -> io::Result<Vec<StdUdpSocket>> + Send + Sync + 'static,
    ) -> Self {
        Self { udp: Arc::new(udp), tcp: Arc::new(tcp), beyond: Arc::new(beyond) }
    }
}

impl std::fmt::Debug for Factories {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Factories").finish_non_exhaustive()
    }
}

impl Upstream for Factories {
    fn udp(&self) -> io::Result<StdUdpSocket> {
        (self.udp)()
    }

    fn beyond(&self, server: SocketAddr, count: usize) -> io::Result<Vec<StdUdpSocket>> {
        (self.beyond)(server, count)
    }

    fn tcp(&self) -> BoxFuture<'_, io::Result<TcpStream>> {
        let open = Arc::clone(&self.tcp);
        async move {
            let stream = tokio::task::spawn_blocking(move || open()).await??;
            stream.set_nonblocking(true)?;
            TcpStream::from_std(stream)
        }
        .boxed()
    }
}

/// A UDP socket in the caller's network namespace, marked, connected to `server`.
///
/// The mark is how the redirection in a container's namespace knows our own questions.
///
/// # Errors
///
/// What the kernel says; marking needs `CAP_NET_ADMIN`.
pub fn marked_udp(mark: u32, server: SocketAddr) -> io::Result<StdUdpSocket> {
    open(SockType::Datagram, mark, server).map(StdUdpSocket::from)
}

/// A TCP connection in the caller's network namespace, marked, to `server`; it blocks.
///
/// # Errors
///
/// What the kernel says; marking needs `CAP_NET_ADMIN`.
pub fn marked_tcp(mark: u32, server: SocketAddr) -> io::Result<StdTcpStream> {
    open(SockType::Stream, mark, server).map(StdTcpStream::from)
}

/// A UDP socket in the caller's network namespace, connected to `server`; the kernel draws its port.
///
/// # Errors
///
/// What the kernel says.
pub fn plain_udp(server: SocketAddr) -> io::Result<StdUdpSocket> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = StdUdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    Ok(socket)
}

fn open(kind: SockType, mark: u32, server: SocketAddr) -> io::Result<OwnedFd> {
    let family = if server.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let fd = socket(family, kind, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&fd, sockopt::Mark, &mark)?;
    // It bounds connect(2) as well (socket(7)).
    let seconds = i64::try_from(DEADLINE.as_secs()).unwrap_or(i64::MAX);
    setsockopt(&fd, sockopt::SendTimeout, &TimeVal::new(seconds, 0))?;
    connect(fd.as_raw_fd(), &SockaddrStorage::from(server))?;
    Ok(fd)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use nix::errno::Errno;
    use nix::sys::socket::getsockopt;

    use super::*;

    const MARK: u32 = 0x7765_6674;

    #[test]
    fn marked_sockets_are_marked_and_connected() {
        // An address of its own: a port that is free for UDP is free for TCP.
        let server = UdpSocket::bind("127.83.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let listener = TcpListener::bind(address).unwrap();
        let udp = match marked_udp(MARK, address) {
            Err(error) if error.raw_os_error() == Some(Errno::EPERM as i32) => {
                panic!("marking needs CAP_NET_ADMIN: run the tests as root")
            }
            opened => opened.unwrap(),
        };
        let tcp = marked_tcp(MARK, address).unwrap();
        assert_eq!(udp.peer_addr().unwrap(), address);
        assert_eq!(getsockopt(&udp, sockopt::Mark).unwrap(), MARK);
        assert_eq!(getsockopt(&tcp, sockopt::Mark).unwrap(), MARK);
        drop(listener);
        assert_eq!(marked_tcp(MARK, address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}
