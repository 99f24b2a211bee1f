//! The mesh: one task that knows which nodes are connected.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use quinn::{Connection, Endpoint, RecvStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use weft_model::NodeId;
use weft_whereabouts::Message;

use crate::connection::{self, accept};
use crate::event::MeshEvent;
use crate::handle::MeshHandle;
use crate::quic::{BindError, close, listen};
use crate::{Credentials, dial, tls};

/// Events and orders that wait for their turn.
const QUEUE: usize = 1_024;

/// What the mesh's own tasks tell it.
#[derive(Debug)]
pub(crate) enum Inner {
    /// A connection to or from a node whose certificate was verified; with the stream that it has
    /// opened, if this node has dialled.
    Connected(NodeId, Connection, Option<RecvStream>),
    /// A connection has ended.
    Closed(NodeId, usize),
}

/// What a handle wants.
#[derive(Debug)]
pub(crate) enum Order {
    /// The connection to a node.
    Connection(NodeId, oneshot::Sender<Option<Connection>>),
    /// Send a message.
    Send(NodeId, Message),
    /// End everything.
    Close(oneshot::Sender<()>),
}

/// One connected node.
#[derive(Debug)]
struct Peer {
    connection: Connection,
    out: mpsc::Sender<Message>,
}

/// All connections of this node.
#[derive(Debug)]
pub struct Mesh {
    own: Arc<Credentials>,
    endpoint: Endpoint,
    wanted: watch::Receiver<BTreeMap<NodeId, SocketAddr>>,
    dialers: BTreeMap<NodeId, (SocketAddr, AbortHandle)>,
    connected: BTreeMap<NodeId, Peer>,
    events: mpsc::Sender<MeshEvent>,
    inner: mpsc::Sender<Inner>,
    tasks: JoinSet<()>,
}

impl Mesh {
    /// Listens, and keeps a connection to every node of `peers`.
    ///
    /// Of each pair the node with the smaller id dials. Nodes that `peers` does not have are
    /// refused, and those that it loses are disconnected.
    ///
    /// # Errors
    ///
    /// [`BindError`] if the port cannot be had or the credentials are of no use.
    pub fn start(
        address: SocketAddr,
        own: Credentials,
        peers: watch::Receiver<BTreeMap<NodeId, SocketAddr>>,
    ) -> Result<(MeshHandle, mpsc::Receiver<MeshEvent>), BindError> {
        let endpoint = listen(address, tls::server(&own)?, own.key.secret_der())?;
        let (events, events_out) = mpsc::channel(QUEUE);
        let (inner, inner_out) = mpsc::channel(QUEUE);
        let (orders, orders_out) = mpsc::channel(QUEUE);
        let handle = MeshHandle::new(orders, endpoint.clone());
        let mut mesh = Self {
            own: Arc::new(own),
            endpoint,
            wanted: peers,
            dialers: BTreeMap::new(),
            connected: BTreeMap::new(),
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
        loop {
            tokio::select! {
                changed = self.wanted.changed() => match changed {
                    Ok(()) => self.keep_dialing(),
                    Err(_closed) => return self.end().await,
                },
                Some(told) = inner.recv() => self.hear(told).await,
                order = orders.recv() => match order {
                    Some(Order::Connection(node, reply)) => {
                        let peer = self.connected.get(&node);
                        // The asker may have given up.
                        drop(reply.send(peer.map(|peer| peer.connection.clone())));
                    }
                    Some(Order::Send(node, message)) => self.send(node, message),
                    Some(Order::Close(reply)) => {
                        self.end().await;
                        // Dropping it answers, too.
                        return drop(reply);
                    }
                    None => return self.end().await,
                },
                Some(_ended) = self.tasks.join_next() => {}
            }
        }
    }

    /// Brings dialers and connections in line with who is wanted.
    fn keep_dialing(&mut self) {
        let wanted = self.wanted.borrow_and_update().clone();
        let own = self.own.node;
        self.dialers.retain(|node, (address, task)| {
            let kept = wanted.get(node) == Some(address);
            if !kept {
                task.abort();
            }
            kept
        });
        for (node, peer) in &self.connected {
            if !wanted.contains_key(node) {
                peer.connection.close(close::NO_MEMBER, b"no member of the cluster any more");
            }
        }
        for (node, address) in wanted.into_iter().filter(|(node, _address)| own < *node) {
            if let std::collections::btree_map::Entry::Vacant(vacant) = self.dialers.entry(node) {
                let (endpoint, own) = (self.endpoint.clone(), Arc::clone(&self.own));
                let dialing = dial::keep(endpoint, own, node, address, self.inner.clone());
                vacant.insert((address, self.tasks.spawn(dialing)));
            }
        }
    }

    async fn hear(&mut self, told: Inner) {
        match told {
            Inner::Connected(node, connection, first) => self.take(node, connection, first).await,
            Inner::Closed(node, id) => {
                let of = self.connected.get(&node).map(|peer| peer.connection.stable_id());
                if of == Some(id) {
                    self.connected.remove(&node);
                    self.tell(MeshEvent::Down(node)).await;
                }
            }
        }
    }

    async fn take(&mut self, node: NodeId, connection: Connection, first: Option<RecvStream>) {
        if !self.wanted.borrow().contains_key(&node) {
            tracing::warn!(node = %node, "a node that is no member was refused");
            connection.close(close::NO_MEMBER, b"no member of the cluster");
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
            node,
            (connection.clone(), first),
            queue,
            events,
            inner,
        ));
        self.connected.insert(node, Peer { connection, out });
    }

    /// A peer that does not keep up loses messages; the protocol above repairs that.
    fn send(&self, node: NodeId, message: Message) {
        let Some(peer) = self.connected.get(&node) else { return };
        if peer.out.try_send(message).is_err() {
            tracing::debug!(node = %node, "a message was dropped: the queue is full");
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
