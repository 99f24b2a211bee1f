//! The resolver of a host: one server a container, all of them over the same zones.

use std::io;
use std::net::{TcpListener as StdTcpListener, UdpSocket as StdUdpSocket};
use std::sync::Arc;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::error;
use weft_names::{Asker, Zones};

use crate::desk::Desk;
use crate::forward::Forwarder;
use crate::{MAX_IN_FLIGHT, Queries, Upstream, tcp, udp};

/// Where one container's questions come in; opened inside its network namespace.
#[derive(Debug)]
pub struct Sockets {
    /// Bound.
    pub udp: StdUdpSocket,
    /// Listening.
    pub tcp: StdTcpListener,
}

/// Answers the questions of all containers of a host.
#[derive(Clone, Debug)]
pub struct Resolver {
    zones: watch::Receiver<Arc<Zones>>,
    queries: Queries,
}

impl Resolver {
    /// Answers from whatever `zones` holds at the moment of a question.
    #[must_use]
    pub fn new(zones: watch::Receiver<Arc<Zones>>) -> Self {
        Self { zones, queries: Queries::new() }
    }

    /// Questions by outcome, of all containers.
    #[must_use]
    pub const fn queries(&self) -> &Queries {
        &self.queries
    }

    /// Serves one container until `stop` is cancelled; then its sockets are closed.
    ///
    /// Call it inside the runtime. Names that are not ours go to `upstream`.
    pub fn serve(
        &self,
        sockets: Sockets,
        asker: watch::Receiver<Asker>,
        upstream: Arc<dyn Upstream>,
        stop: CancellationToken,
    ) -> JoinHandle<()> {
        let desk = Desk { zones: self.zones.clone(), asker, queries: self.queries.clone() };
        tokio::spawn(async move {
            let served = stop.run_until_cancelled(serve(sockets, desk, upstream)).await;
            if let Some(Err(error)) = served {
                error!(%error, "name server not started");
            }
        })
    }
}

/// All in one task: a container that is gone leaves nothing behind.
async fn serve(sockets: Sockets, desk: Desk, upstream: Arc<dyn Upstream>) -> io::Result<()> {
    sockets.udp.set_nonblocking(true)?;
    sockets.tcp.set_nonblocking(true)?;
    let udp = Arc::new(UdpSocket::from_std(sockets.udp)?);
    let tcp = TcpListener::from_std(sockets.tcp)?;
    let (asks, queue) = mpsc::channel(MAX_IN_FLIGHT);
    let forwarder = Forwarder {
        client: Arc::clone(&udp),
        upstream: Arc::clone(&upstream),
        queries: desk.queries.clone(),
    };
    tokio::join!(
        udp::serve(udp, desk.clone(), asks),
        forwarder.run(queue),
        tcp::serve(tcp, desk, upstream)
    );
    Ok(())
}
