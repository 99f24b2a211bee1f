//! How the rest of a node uses the mesh.

use std::net::SocketAddr;
use std::time::Duration;

use quinn::{Connection, Endpoint};
use tokio::sync::{mpsc, oneshot};
use weft_model::NodeId;
use weft_registry::Revision;
use weft_whereabouts::Message;

use crate::convert::Malformed;
use crate::event::{Request, Response, WatchItem};
use crate::frame::{read, write};
use crate::mesh::{Load, Order, Said};
use crate::wire::Body;

/// Items of a followed registry that wait to be taken.
const WATCH_QUEUE: usize = 256;

/// A way to the mesh; clones lead to the same one.
#[derive(Clone, Debug)]
pub struct MeshHandle {
    orders: mpsc::Sender<Order>,
    endpoint: Endpoint,
}

/// Why a message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The mesh does not keep up.
    #[error("the mesh's queue is full")]
    Full,
    /// The mesh was closed.
    #[error("the mesh is closed")]
    Closed,
}

/// Why a question was not answered. Whether it was carried out is not known then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// There is no connection to the node.
    #[error("not connected")]
    NotConnected,
    /// The connection ended before the answer.
    #[error("the connection ended before an answer came")]
    Lost,
    /// The answer is not understood.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl MeshHandle {
    pub(crate) fn new(orders: mpsc::Sender<Order>, endpoint: Endpoint) -> Self {
        Self { orders, endpoint }
    }

    /// Sends a message. To a node that should be connected and is not it is lost without a word; to
    /// another member it waits for the connection that is made for it.
    ///
    /// # Errors
    ///
    /// [`SendError`] if the mesh cannot take it now; it was dropped.
    pub fn send(&self, to: NodeId, message: Message) -> Result<(), SendError> {
        self.order(Order::Carry(to, Load::Said(Said::Rows(message))))
    }

    /// Sends what the membership has to say, over the stream: it may be long.
    ///
    /// # Errors
    ///
    /// [`SendError`] if the mesh cannot take it now; it was dropped.
    pub fn send_membership(&self, to: NodeId, bytes: Vec<u8>) -> Result<(), SendError> {
        self.order(Order::Carry(to, Load::Said(Said::Membership(bytes))))
    }

    /// Sends what the membership has to say in a datagram of the connection: it waits for nothing,
    /// may get lost, and has room for 1,100 bytes and a few.
    ///
    /// # Errors
    ///
    /// [`SendError`] if the mesh cannot take it now; it was dropped.
    pub fn send_datagram(&self, to: NodeId, bytes: Vec<u8>) -> Result<(), SendError> {
        self.order(Order::Carry(to, Load::Datagram(bytes)))
    }

    fn order(&self, order: Order) -> Result<(), SendError> {
        self.orders.try_send(order).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => SendError::Full,
            mpsc::error::TrySendError::Closed(_) => SendError::Closed,
        })
    }

    /// Asks a node. The caller sets the deadline.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if no answer came.
    pub async fn request(&self, to: NodeId, request: Request) -> Result<Response, RequestError> {
        let connection = self.connection(to).await?;
        let (mut out, mut answer) = connection.open_bi().await.map_err(lost)?;
        write(&mut out, request.into()).await.map_err(lost)?;
        out.finish().map_err(lost)?;
        let body = read(&mut answer).await.map_err(lost)?.ok_or(Malformed("a later version"))?;
        Ok(Response::try_from(body)?)
    }

    /// Dials a node that should have dialled long ago; one that is connected notices nothing. For a node
    /// whose address the others cannot know yet.
    pub async fn knock(&self, node: NodeId) {
        // Whether there is a connection makes no difference here.
        drop(self.connection(node).await);
    }

    /// Follows a node's registry. The receiver ends when the connection does.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if the node cannot be asked.
    pub async fn watch(
        &self,
        to: NodeId,
        after: Revision,
    ) -> Result<mpsc::Receiver<WatchItem>, RequestError> {
        let connection = self.connection(to).await?;
        let (mut out, mut answer) = connection.open_bi().await.map_err(lost)?;
        write(&mut out, Body::Watch(after)).await.map_err(lost)?;
        let (sender, items) = mpsc::channel(WATCH_QUEUE);
        tokio::spawn(async move {
            // Held open: the other side serves for as long as the question stands.
            let _question = out;
            loop {
                let read = tokio::select! {
                    read = read(&mut answer) => read,
                    () = sender.closed() => return,
                };
                let Ok(Some(body)) = read else { return };
                let Ok(item) = WatchItem::try_from(body) else { return };
                if sender.send(item).await.is_err() {
                    return;
                }
            }
        });
        Ok(items)
    }

    /// How long it takes to a node and back, as the connection to it has last measured; nothing
    /// without a connection.
    pub async fn round_trip(&self, to: NodeId) -> Option<Duration> {
        self.connection(to).await.ok().map(|connection| connection.rtt())
    }

    /// Dials everybody who waits to dial: this node has another address, which they do not know.
    pub async fn reconnect(&self) {
        // A mesh that is closed has nobody to connect with.
        drop(self.orders.send(Order::Reconnect).await);
    }

    /// Where this node listens.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Ends all connections; returns when the others were told.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.orders.send(Order::Close(reply)).await.is_ok() {
            // The mesh answers by dropping the reply, closed or not.
            drop(closed.await);
        }
    }

    async fn connection(&self, to: NodeId) -> Result<Connection, RequestError> {
        let (reply, connection) = oneshot::channel();
        self.orders.send(Order::Connection(to, reply)).await.map_err(lost)?;
        connection.await.map_err(lost)?.ok_or(RequestError::NotConnected)
    }
}

/// Whatever it was: the connection ended.
pub(crate) fn lost<E>(_error: E) -> RequestError {
    RequestError::Lost
}
