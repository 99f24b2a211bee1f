//! One manager: a store behind a port.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::StreamExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use weft_model::NodeId;
use weft_registry::Snapshot;
use weft_store::{Asker, Etcd, EtcdAccess, EtcdFault, LinkError, Links, Raft, Store, StoreError};

use crate::protocol::{Answer, Ask, receive, send};

/// Where managers listen.
pub(crate) const PORT: u16 = 4_000;
/// Where etcd does.
pub(crate) const ETCD: u16 = 2_379;
/// How long another manager may take.
const HOP: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(100);

/// Which manager this is.
#[derive(Args, Clone, Debug)]
pub struct Manager {
    /// Its number, from 1
    #[arg(long)]
    number: u128,
    /// The addresses of all of them
    #[arg(long, value_delimiter = ',')]
    managers: Vec<IpAddr>,
    /// Where it keeps its file; without, an etcd on the same hosts keeps everything
    #[arg(long)]
    file: Option<PathBuf>,
}

/// Serves until it is killed.
///
/// # Errors
///
/// If the store cannot be opened; a file on a full disk may have room later.
pub async fn serve(manager: Manager) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    match &manager.file {
        Some(file) => {
            let links = Tcp { me: manager.number, managers: peers(&manager.managers) };
            if manager.number > 1 && !file.exists() {
                Raft::enlist(file)?;
            }
            let raft = Raft::open(file, node(manager.number), Arc::new(links)).await?;
            tokio::spawn(take_seat(raft.clone()));
            accept(listener, Arc::new(raft.clone()), Some(raft)).await
        }
        None => accept(listener, Arc::new(etcd(&manager).await?), None).await,
    }
}

pub(crate) fn node(number: u128) -> NodeId {
    NodeId::from_random(number)
}

fn peers(managers: &[IpAddr]) -> BTreeMap<NodeId, SocketAddr> {
    let addresses = managers.iter().map(|address| SocketAddr::new(*address, PORT));
    (1..).map(node).zip(addresses).collect()
}

/// The first manager founds the store, the others join it, however often each is started.
async fn take_seat(raft: Raft) {
    while !raft.standing().votes {
        // Whoever is asked in vain is asked again.
        drop(raft.take_seat(&[node(1), node(2), node(3)]).await);
        sleep(PAUSE).await;
    }
}

/// The store in the etcd of these hosts; the first manager founds it.
async fn etcd(manager: &Manager) -> anyhow::Result<Etcd> {
    let endpoint = |address: &IpAddr| format!("http://{}", SocketAddr::new(*address, ETCD));
    let endpoints = manager.managers.iter().map(endpoint).collect();
    let access = EtcdAccess { endpoints, prefix: "/nemesis".into(), tls: None };
    loop {
        let opened = match Etcd::open(&access).await {
            Err(StoreError::Etcd(EtcdFault::Missing(_))) if manager.number == 1 => {
                Etcd::found(&access, &Snapshot::default()).await
            }
            opened => opened,
        };
        if let Ok(etcd) = opened {
            return Ok(etcd);
        }
        sleep(PAUSE).await;
    }
}

async fn accept(
    listener: TcpListener,
    store: Arc<dyn Store>,
    raft: Option<Raft>,
) -> anyhow::Result<()> {
    loop {
        let (stream, _from) = listener.accept().await?;
        let (store, raft) = (Arc::clone(&store), raft.clone());
        tokio::spawn(async move {
            // Who hangs up needs no answer.
            drop(converse(stream, &*store, raft).await);
        });
    }
}

async fn converse(mut stream: TcpStream, store: &dyn Store, raft: Option<Raft>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let answer = match receive(&mut stream).await? {
            Ask::Range(prefix) => store.range(&prefix).await.map(Answer::Range),
            Ask::Commit(txn) => store.commit(txn).await.map(Answer::Committed),
            Ask::Watch(after) => return watch(stream, store, after).await,
            Ask::Peer(from, message) => match &raft {
                Some(raft) => {
                    let from = Asker { node: node(from), manages: true };
                    Ok(Answer::Peer(raft.serve(from, &message).await))
                }
                None => return Ok(()),
            },
        };
        send(&mut stream, &answer.unwrap_or_else(|error| failed(&error))).await?;
    }
}

async fn watch(mut stream: TcpStream, store: &dyn Store, after: u64) -> io::Result<()> {
    let mut changes = match store.watch("/", after) {
        Ok(changes) => changes,
        Err(error) => return send(&mut stream, &failed(&error)).await,
    };
    while let Some(Ok(change)) = changes.next().await {
        send(&mut stream, &Answer::Change(change)).await?;
    }
    Ok(())
}

/// Only what says that nothing was changed counts as that.
fn failed(error: &StoreError) -> Answer {
    match error {
        StoreError::NoMajority
        | StoreError::Compacted { .. }
        | StoreError::Etcd(EtcdFault::Away(_)) => Answer::Refused(error.to_string()),
        _ => Answer::Unknown(error.to_string()),
    }
}

/// Connections to the other managers, one a question.
#[derive(Debug)]
struct Tcp {
    me: u128,
    managers: BTreeMap<NodeId, SocketAddr>,
}

impl Links for Tcp {
    fn ask(&self, to: NodeId, message: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, LinkError>> {
        async move {
            let address = *self.managers.get(&to).ok_or(LinkError::NotConnected)?;
            let connected = timeout(HOP, TcpStream::connect(address)).await;
            let Ok(Ok(mut stream)) = connected else { return Err(LinkError::NotConnected) };
            let asked = async {
                stream.set_nodelay(true)?;
                send(&mut stream, &Ask::Peer(self.me, message)).await?;
                receive(&mut stream).await
            };
            match timeout(HOP, asked).await {
                Ok(Ok(Answer::Peer(answer))) => Ok(answer),
                _ => Err(LinkError::Lost),
            }
        }
        .boxed()
    }
}
