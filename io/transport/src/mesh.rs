//! The mesh: one task that knows which nodes are connected.

mod dialing;
mod order;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use order::{Inner, Load, Order, Said};
use quinn::{Connection, Endpoint, RecvStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use weft_membership::Claimant;
use weft_model::NodeId;

use crate::connection::{self, accept};
use crate::event::{MeshEvent, Refusal, Stranger};
use crate::handle::MeshHandle;
use crate::instance::{Instance, claimant};
use crate::peers::{Peers, Pending};
use crate::quic::{BindError, close, listen, serving};
use crate::{Credentials, tls};

/// Events and orders that wait for their turn.
const QUEUE: usize = 1_024;

/// A peer that should have dialled is dialled when it has not for so long and is asked for.
const KNOCK_AFTER: Duration = Duration::from_secs(5);
/// How often connections are looked at that are kept, or not needed any more.
const ROUND: Duration = Duration::from_secs(1);
/// Longer than a connection lives whose other end does not, and shorter than a dialer waits.
const ANSWERS: Duration = Duration::from_secs(2);

/// One connected node.
#[derive(Debug)]
struct Peer {
    connection: Connection,
    out: mpsc::Sender<Said>,
    /// When something was last sent.
    used: Instant,
    /// Which agent it is, once it has said so.
    instance: Option<Instance>,
}

impl Peer {
    fn claimant(&self) -> Claimant {
        claimant(self.instance, &self.connection)
    }
}

/// All connections of this node.
#[derive(Debug)]
pub struct Mesh {
    me: NodeId,
    instance: Option<Instance>,
    own: watch::Receiver<Arc<Credentials>>,
    endpoint: Endpoint,
    wanted: watch::Receiver<Peers>,
    dialers: BTreeMap<NodeId, (SocketAddr, AbortHandle)>,
    connected: BTreeMap<NodeId, Peer>,
    /// When a peer may be knocked at; absent: soon after the start.
    next_knock: BTreeMap<NodeId, Instant>,
    /// What waits for a connection that is being made.
    pending: BTreeMap<NodeId, Pending>,
    started: Instant,
    events: mpsc::Sender<MeshEvent>,
    inner: mpsc::Sender<Inner>,
    tasks: JoinSet<()>,
}

impl Mesh {
    /// Listens, and keeps a connection to those nodes that `peers` says are to be kept; with other
    /// members it connects when there is something to say, and for as long as there is.
    ///
    /// Where everybody is kept, of each pair the node with the smaller id dials. Nodes that
    /// `peers` does not have are refused, and those that it loses are disconnected.
    ///
    /// New credentials are taken for whatever connections come next; those that are there stay.
    ///
    /// # Errors
    ///
    /// [`BindError`] if the port cannot be had or the credentials are of no use.
    pub fn start(
        address: SocketAddr,
        mut own: watch::Receiver<Arc<Credentials>>,
        peers: watch::Receiver<Peers>,
    ) -> Result<(MeshHandle, mpsc::Receiver<MeshEvent>), BindError> {
        let first = Arc::clone(&own.borrow_and_update());
        let endpoint = listen(address, tls::server(&first)?, first.key.secret_der())?;
        let (events, events_out) = mpsc::channel(QUEUE);
        let (inner, inner_out) = mpsc::channel(QUEUE);
        let (orders, orders_out) = mpsc::channel(QUEUE);
        let handle = MeshHandle::new(orders, endpoint.clone());
        let mut mesh = Self {
            me: first.node,
            instance: Instance::draw(),
            own,
            endpoint,
            wanted: peers,
            dialers: BTreeMap::new(),
            connected: BTreeMap::new(),
            next_knock: BTreeMap::new(),
            pending: BTreeMap::new(),
            started: Instant::now(),
            events,
            inner,
            tasks: JoinSet::new(),
        };
        mesh.tasks.spawn(accept(mesh.endpoint.clone(), mesh.events.clone(), mesh.inner.clone()));
        tokio::spawn(mesh.run(orders_out, inner_out));
        Ok((handle, events_out))
    }

    async fn run(mut self, mut orders: mpsc::Receiver<Order>, mut inner: mpsc::Receiver<Inner>) {
        self.keep_dialing();
        let mut rounds = tokio::time::interval(ROUND);
        loop {
            tokio::select! {
                changed = self.wanted.changed() => match changed {
                    Ok(()) => self.keep_dialing(),
                    Err(_closed) => return self.end().await,
                },
                Ok(()) = self.own.changed() => self.show_new_credentials(),
                Some(told) = inner.recv() => self.hear(told).await,
                order = orders.recv() => match order {
                    Some(Order::Connection(node, reply)) => {
                        let peer = self.connected.get(&node);
                        let connection = peer.map(|peer| peer.connection.clone());
                        if connection.is_none() {
                            self.knock(node);
                        }
                        // The asker may have given up.
                        drop(reply.send(connection));
                    }
                    Some(Order::Carry(node, load)) => self.carry(node, load),
                    Some(Order::Reconnect) => self.reconnect(),
                    Some(Order::Close(reply)) => {
                        self.end().await;
                        // Dropping it answers, too.
                        return drop(reply);
                    }
                    None => return self.end().await,
                },
                _ = rounds.tick() => self.go_round(),
                Some(_ended) = self.tasks.join_next() => {}
            }
        }
    }

    fn show_new_credentials(&mut self) {
        let own = Arc::clone(&self.own.borrow_and_update());
        match tls::server(&own) {
            Ok(config) => self.endpoint.set_server_config(Some(serving(config))),
            Err(error) => {
                tracing::error!(%error, "the new certificate is of no use: the old one is shown");
            }
        }
    }

    async fn hear(&mut self, told: Inner) {
        match told {
            Inner::Disowned(node) => {
                self.pending.remove(&node);
                self.tell(MeshEvent::Disowned(node)).await;
            }
            Inner::Refused(stranger) => {
                if let Some(node) = stranger.node {
                    self.pending.remove(&node);
                }
                self.tell(MeshEvent::Refused(stranger)).await;
            }
            Inner::Missed(node) => drop(self.pending.remove(&node)),
            Inner::Greeted(node, id, instance) => {
                let peer = self.connected.get_mut(&node);
                if let Some(peer) = peer.filter(|peer| peer.connection.stable_id() == id) {
                    peer.instance = Some(instance);
                }
            }
            Inner::Connected(node, connection, first) => self.take(node, connection, first).await,
            Inner::Closed(node, id) => {
                let of = self.connected.get(&node).map(|peer| peer.connection.stable_id());
                if of == Some(id) {
                    self.next_knock.insert(node, Instant::now() + KNOCK_AFTER);
                    self.connected.remove(&node);
                    self.tell(MeshEvent::Down(node)).await;
                }
            }
        }
    }

    async fn take(&mut self, node: NodeId, connection: Connection, first: Option<RecvStream>) {
        if !self.wanted.borrow().members.contains_key(&node) {
            let (at, why) = (connection.remote_address(), Refusal::NoMember);
            self.tell(MeshEvent::Refused(Stranger { at, node: Some(node), why })).await;
            return connection.close(close::NO_MEMBER, b"no member of the cluster");
        }
        let dials = first.is_none();
        let instance = dials.then(|| Instance::of_dialer(&connection));
        let new = claimant(instance, &connection);
        let old = self.connected.get(&node);
        if let Some(old) = old.filter(|old| old.claimant().is_rival_of(&new)) {
            let (old, inner) = (old.connection.clone(), self.inner.clone());
            self.tasks.spawn(contest(node, old, connection, inner));
            return;
        }
        if let Some(old) = self.connected.remove(&node) {
            old.connection.close(close::REPLACED, b"a newer connection");
            self.tell(MeshEvent::Down(node)).await;
        }
        let (out, queue) = mpsc::channel(QUEUE);
        let (events, inner) = (self.events.clone(), self.inner.clone());
        self.tell(MeshEvent::Up(node)).await;
        self.tasks.spawn(connection::serve(
            (node, self.instance),
            (connection.clone(), first),
            queue,
            events,
            inner,
        ));
        self.connected.insert(node, Peer { connection, out, used: Instant::now(), instance });
        for order in self.pending.remove(&node).unwrap_or_default() {
            self.carry(node, order);
        }
    }

    /// A peer that does not keep up loses messages; the protocol above repairs that. A member that
    /// is not connected is dialled, unless a dialer is at it already.
    fn carry(&mut self, node: NodeId, load: Load) {
        let Some(peer) = self.connected.get_mut(&node) else {
            if !self.wanted.borrow().keeps_all() {
                if !self.pending.contains_key(&node) {
                    self.dial_once(node);
                }
                if let Some(pending) = self.pending.get_mut(&node) {
                    pending.push(load);
                }
            }
            return;
        };
        peer.used = Instant::now();
        match load {
            Load::Said(said) => {
                if peer.out.try_send(said).is_err() {
                    tracing::debug!(node = %node, "a message was dropped: the queue is full");
                }
            }
            // It may get lost anyhow.
            Load::Datagram(bytes) => {
                if let Err(error) = peer.connection.send_datagram(bytes.into()) {
                    tracing::debug!(node = %node, %error, "a datagram was not sent");
                }
            }
        }
    }

    /// An owner that is gone is told nothing.
    async fn tell(&self, event: MeshEvent) {
        drop(self.events.send(event).await);
    }

    async fn end(&mut self) {
        self.tasks.abort_all();
        self.endpoint.close(close::BYE, b"bye");
        self.endpoint.wait_idle().await;
        self.tasks.shutdown().await;
    }
}

/// Two agents say that they are the same node. The one that was there stays for as long as it
/// answers; then the other one may come.
async fn contest(node: NodeId, old: Connection, new: Connection, mesh: mpsc::Sender<Inner>) {
    let told = if timeout(ANSWERS, old.closed()).await.is_ok() {
        Inner::Connected(node, new, None)
    } else {
        let at = new.remote_address();
        new.close(close::CLONE, b"another host is this node");
        Inner::Refused(Stranger { at, node: Some(node), why: Refusal::Clone })
    };
    // The mesh may be gone.
    drop(mesh.send(told).await);
}
