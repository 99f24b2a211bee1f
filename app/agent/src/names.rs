//! A resolver in every container: sockets inside its namespace, and the redirect that leads there.
//!
//! The redirect lives on a set element with a time-out that is renewed as long as this agent runs.
//! When the agent ends, however it ends, questions go to Docker's own resolver again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use weft_docker::Beyond;
use weft_kernel::{Netns, dns};
use weft_model::NetworkId;
use weft_names::Asker;
use weft_resolver::{Complaints, Nameservers, Resolver, Sockets};

mod unveil;
mod upstream;

pub(crate) use unveil::{Meant, unveil};

/// The address that Docker writes into every container's `resolv.conf`.
const DOCKER_RESOLVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
/// The host's own name servers.
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// How long questions still go to us after our death.
const ALIVE: Duration = Duration::from_secs(6);
/// How often the redirect is renewed.
const RENEW: Duration = Duration::from_secs(2);
/// How long a sandbox may take to appear after Docker's Join was answered.
const SANDBOX: Duration = Duration::from_secs(30);
/// Changes that wait to be taken in.
const QUEUE: usize = 256;

/// Which workload asks, and through what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    /// The networks that the workload is on.
    pub(crate) networks: BTreeSet<NetworkId>,
    /// Whose container it is.
    pub(crate) resolver: Behind,
}

/// What stands behind ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Docker's resolver in the same namespace: ours is reached by a redirect.
    Docker,
    /// Nothing: ours listens on port 53 itself and forwards to the host's name servers.
    Host,
}

/// All workloads that want a resolver, by the file of their namespace.
pub(crate) type Listeners = BTreeMap<PathBuf, Listener>;

/// One served namespace; dropping it ends the service.
#[derive(Debug)]
struct Served {
    asker: watch::Sender<Asker>,
    _stop: DropGuard,
}

/// Serves every listener until `wanted`'s sender is gone, then takes the redirects down.
pub(crate) async fn serve(
    (mut wanted, mut beyond): (watch::Receiver<Arc<Listeners>>, watch::Receiver<Beyond>),
    resolver: Resolver,
    complaints: mpsc::Sender<Arc<Path>>,
    stop: CancellationToken,
) {
    let services = TaskTracker::new();
    let mut served: BTreeMap<PathBuf, Served> = BTreeMap::new();
    let (gone_sender, mut gone) = mpsc::channel::<PathBuf>(QUEUE);
    loop {
        let now = Arc::clone(&wanted.borrow_and_update());
        let servers = Arc::clone(&beyond.borrow_and_update());
        served.retain(|path, _served| now.contains_key(path));
        for (path, listener) in now.iter() {
            let beyond = servers.get(path).cloned().unwrap_or_default();
            let asker = Asker { networks: listener.networks.clone(), beyond };
            match served.get(path) {
                Some(serving) => {
                    serving.asker.send_if_modified(|known| {
                        let differs = *known != asker;
                        *known = asker;
                        differs
                    });
                }
                None => {
                    let stop = stop.child_token();
                    let (sender, receiver) = watch::channel(asker);
                    let one = One {
                        path: path.clone(),
                        behind: listener.resolver,
                        asker: receiver,
                        resolver: resolver.telling(Complaints {
                            about: Arc::from(path.as_path()),
                            to: complaints.clone(),
                        }),
                        stop: stop.clone(),
                    };
                    let gone = gone_sender.clone();
                    services.spawn(one.run(gone));
                    served.insert(path.clone(), Served { asker: sender, _stop: stop.drop_guard() });
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            changed = wanted.changed() => if changed.is_err() { break },
            Ok(()) = beyond.changed() => {}
            Some(path) = gone.recv() => { served.remove(&path); }
        }
    }
    drop(served);
    services.close();
    services.wait().await;
}

/// The service of one namespace.
#[derive(Debug)]
struct One {
    path: PathBuf,
    behind: Behind,
    asker: watch::Receiver<Asker>,
    resolver: Resolver,
    stop: CancellationToken,
}

impl One {
    async fn run(self, gone: mpsc::Sender<PathBuf>) {
        if let Err(error) = self.serve().await {
            tracing::warn!(sandbox = %self.path.display(), error = format!("{error:#}"), "no resolver");
        }
        if !self.stop.is_cancelled() {
            // Tried anew when the next change of listeners comes by.
            drop(gone.send(self.path).await);
        }
    }

    async fn serve(&self) -> anyhow::Result<()> {
        let ns = match self.behind {
            Behind::Docker => sandbox(&self.path, &self.stop).await?,
            Behind::Host => Netns::open(&self.path)?,
        };
        match self.behind {
            Behind::Docker => self.behind_a_redirect(&ns).await,
            Behind::Host => self.on_port_53(&ns).await,
        }
    }

    /// The redirect goes before the sockets do, so that no question meets a closed port.
    async fn behind_a_redirect(&self, ns: &Netns) -> anyhow::Result<()> {
        let (udp, tcp) = dns::open_sockets(ns, SocketAddr::from((DOCKER_RESOLVER, 0)))?;
        let ports = (udp.local_addr()?.port(), tcp.local_addr()?.port());
        let close = CancellationToken::new();
        let _close_on_failure = close.clone().drop_guard();
        let upstream = Arc::new(upstream::docker(ns));
        let sockets = Sockets { udp, tcp };
        let serving = self.resolver.serve(sockets, self.asker.clone(), upstream, close.clone());
        dns::install(ns, ports.0, ports.1, ALIVE).await?;
        while timeout(RENEW, self.stop.cancelled()).await.is_err() {
            dns::renew(ns, ALIVE).await?;
        }
        dns::remove(ns).await?;
        close.cancel();
        Ok(serving.await?)
    }

    async fn on_port_53(&self, ns: &Netns) -> anyhow::Result<()> {
        let (udp, tcp) = dns::open_sockets(ns, SocketAddr::from((DOCKER_RESOLVER, 53)))?;
        let upstream = Arc::new(Nameservers::parse(&std::fs::read_to_string(RESOLV_CONF)?));
        let serving = self.resolver.serve(
            Sockets { udp, tcp },
            self.asker.clone(),
            upstream,
            self.stop.clone(),
        );
        Ok(serving.await?)
    }
}

async fn sandbox(path: &Path, stop: &CancellationToken) -> anyhow::Result<Netns> {
    tokio::select! {
        found = weft_docker::sandbox::wait(path, SANDBOX) => { found?; }
        () = stop.cancelled() => anyhow::bail!("the container left before it had a namespace"),
    }
    Ok(Netns::open(path)?)
}
