//! The resolver of a host: one server a container, all of them over the same zones.

use std::io;
use std::net::{TcpListener as StdTcpListener, UdpSocket as StdUdpSocket};
use std::sync::Arc;
use std::time::Instant;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::error;
use weft_names::{Asker, Zones};

use crate::desk::Desk;
use crate::forward::Forwarder;
use crate::lanes::Lanes;
use crate::overflow::Overflow;
use crate::share::{Crowd, Share};
use crate::udp::{AWAKE, Counter};
use crate::vigil::Vigil;
use crate::{Complaints, MAX_IN_FLIGHT, Queries, Upstream, tcp};

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
    lanes: Lanes,
    crowd: Crowd,
}

impl Resolver {
    /// Answers from whatever `zones` holds at the moment of a question, on threads of its own, each
    /// of which calls `prepare` first.
    ///
    /// # Errors
    ///
    /// If the kernel grants no threads.
    pub fn new(zones: watch::Receiver<Arc<Zones>>, prepare: fn()) -> io::Result<Self> {
        let crowd = Crowd::new(Instant::now());
        Ok(Self { zones, queries: Queries::new(), lanes: Lanes::open(prepare)?, crowd })
    }

    /// Questions by outcome, of all containers.
    #[must_use]
    pub const fn queries(&self) -> &Queries {
        &self.queries
    }

    /// The same, for one container: tells `complaints` when that asks for more than its share.
    #[must_use]
    pub fn telling(&self, complaints: Complaints) -> Self {
        Self { queries: self.queries.telling(complaints), ..self.clone() }
    }

    /// Serves one container until `stop` is cancelled; then its sockets are closed.
    ///
    /// Names that are not ours go to `upstream`.
    pub fn serve(
        &self,
        sockets: Sockets,
        asker: watch::Receiver<Asker>,
        upstream: Arc<dyn Upstream>,
        stop: CancellationToken,
    ) -> JoinHandle<()> {
        let desk = Desk { zones: self.zones.clone(), asker, queries: self.queries.clone() };
        let share = self.crowd.join(Instant::now());
        self.lanes.next().spawn(async move {
            let served = stop.run_until_cancelled(serve(sockets, desk, upstream, share)).await;
            if let Some(Err(error)) = served {
                error!(%error, "name server not started");
            }
        })
    }
}

/// All in one task: a container that is gone leaves nothing behind.
async fn serve(
    sockets: Sockets,
    desk: Desk,
    upstream: Arc<dyn Upstream>,
    share: Share,
) -> io::Result<()> {
    sockets.udp.set_nonblocking(true)?;
    sockets.tcp.set_nonblocking(true)?;
    let udp = Arc::new(UdpSocket::from_std(sockets.udp)?);
    let tcp = TcpListener::from_std(sockets.tcp)?;
    let (asks, queue) = mpsc::channel(MAX_IN_FLIGHT);
    let forwarder = Forwarder::new(Arc::clone(&udp), Arc::clone(&upstream), desk.clone());
    let overflow = Overflow::follow(&udp)?;
    let vigil = Vigil::new(AWAKE, Instant::now());
    let counter = Counter { socket: udp, desk: desk.clone(), asks, share, overflow, vigil };
    tokio::join!(counter.serve(), forwarder.run(queue), tcp::serve(tcp, desk, upstream));
    Ok(())
}
