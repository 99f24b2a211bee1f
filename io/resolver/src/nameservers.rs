//! The host's own name servers, for workloads that have no resolver of their own.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket as StdUdpSocket};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::net::TcpStream;

use crate::{Upstream, plain_udp};

/// How long the first server is passed over after it did not answer.
const SHUNNED: Duration = Duration::from_secs(30);

/// Several servers: the first one that answers, from the first on.
///
/// The order is kept, as `resolv.conf(5)` promises: the first may know names that others do not.
#[derive(Debug)]
pub struct Nameservers {
    servers: Vec<SocketAddr>,
    turn: Mutex<Turn>,
}

#[derive(Clone, Copy, Debug)]
struct Turn {
    index: usize,
    since: Instant,
}

impl Nameservers {
    /// Takes them in the order of preference.
    #[must_use]
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self { servers, turn: Mutex::new(Turn { index: 0, since: Instant::now() }) }
    }

    /// Reads the `nameserver` lines of a `resolv.conf`.
    #[must_use]
    pub fn parse(resolv_conf: &str) -> Self {
        let server = |line: &str| {
            let mut words = line.split_whitespace();
            let named = words.next() == Some("nameserver");
            let address: IpAddr = words.next()?.parse().ok()?;
            named.then_some(SocketAddr::new(address, 53))
        };
        Self::new(resolv_conf.lines().filter_map(server).collect())
    }

    /// The servers, in the order of preference.
    #[must_use]
    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    fn current(&self) -> io::Result<SocketAddr> {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if turn.since.elapsed() >= SHUNNED {
            turn.index = 0;
        }
        let count = self.servers.len().max(1);
        let nobody = || io::Error::new(io::ErrorKind::NotFound, "the host has no name server");
        self.servers.get(turn.index % count).copied().ok_or_else(nobody)
    }
}

impl Upstream for Nameservers {
    fn udp(&self) -> io::Result<StdUdpSocket> {
        plain_udp(self.current()?)
    }

    fn tcp(&self) -> BoxFuture<'_, io::Result<TcpStream>> {
        async { TcpStream::connect(self.current()?).await }.boxed()
    }

    fn failed(&self) {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        *turn = Turn { index: turn.index.wrapping_add(1), since: Instant::now() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameserver_lines_are_read_and_the_rest_is_not() {
        let text = "# nameserver 192.0.2.9\nsearch lan\nnameserver 192.0.2.1\n\
            nameserver  2001:db8::1 \nnameserver fe80::1%eth0\noptions ndots:1\n";
        let servers: Vec<String> =
            Nameservers::parse(text).servers().iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.1:53", "[2001:db8::1]:53"]);
    }

    #[test]
    fn a_server_that_failed_is_passed_over() {
        let servers = Nameservers::parse("nameserver 192.0.2.1\nnameserver 192.0.2.2");
        let current = || servers.current().unwrap().ip().to_string();
        assert_eq!(current(), "192.0.2.1");
        servers.failed();
        assert_eq!(current(), "192.0.2.2");
        servers.failed();
        assert_eq!(current(), "192.0.2.1");
    }

    #[test]
    fn a_host_without_name_servers_is_an_error_and_no_panic() {
        let error = Nameservers::parse("").udp().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
