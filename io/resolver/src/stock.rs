//! Sockets to a server beyond that are opened before they are needed.
//!
//! To enter a container's namespace takes a thread of its own, and longer than to ask a question. So a
//! few are opened at a time, and the next ones are on their way when the last one is taken.

use std::io;
use std::net::{SocketAddr, UdpSocket as StdUdpSocket};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::Upstream;

/// As many are opened at once.
const BATCH: usize = 4;
/// With so few left, the next ones are sent for.
const LOW: usize = 1;

/// For one server; what is asked of another one now and then begins anew.
#[derive(Debug, Default)]
pub(crate) struct Stock {
    server: Option<SocketAddr>,
    ready: Vec<UdpSocket>,
    coming: Option<JoinHandle<io::Result<Vec<StdUdpSocket>>>>,
}

impl Stock {
    /// A socket that nobody has asked by.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub(crate) async fn take(
        &mut self,
        upstream: &Arc<dyn Upstream>,
        server: SocketAddr,
    ) -> io::Result<UdpSocket> {
        if self.server != Some(server) {
            *self = Self { server: Some(server), ..Self::default() };
        }
        if self.ready.is_empty() || self.coming.as_ref().is_some_and(JoinHandle::is_finished) {
            self.receive(upstream, server).await?;
        }
        let socket = self.ready.pop().ok_or(io::ErrorKind::AddrNotAvailable)?;
        if self.ready.len() <= LOW && self.coming.is_none() {
            self.coming = Some(order(upstream, server));
        }
        Ok(socket)
    }

    async fn receive(
        &mut self,
        upstream: &Arc<dyn Upstream>,
        server: SocketAddr,
    ) -> io::Result<()> {
        let coming = self.coming.take().unwrap_or_else(|| order(upstream, server));
        for socket in coming.await?? {
            socket.set_nonblocking(true)?;
            self.ready.push(UdpSocket::from_std(socket)?);
        }
        Ok(())
    }
}

fn order(
    upstream: &Arc<dyn Upstream>,
    server: SocketAddr,
) -> JoinHandle<io::Result<Vec<StdUdpSocket>>> {
    let upstream = Arc::clone(upstream);
    spawn_blocking(move || upstream.beyond(server, BATCH))
}
