//! What the mesh is told, and what it is asked for.

use quinn::{Connection, RecvStream};
use tokio::sync::oneshot;
use weft_model::NodeId;
use weft_whereabouts::Message;

use crate::event::Stranger;
use crate::instance::Instance;

/// What the mesh's own tasks tell it.
#[derive(Debug)]
pub(crate) enum Inner {
    /// A connection to or from a node whose certificate was verified; with the stream that it has
    /// opened, if this node has dialled.
    Connected(NodeId, Connection, Option<RecvStream>),
    /// A node has said which agent it is.
    Greeted(NodeId, usize, Instance),
    /// A connection has ended.
    Closed(NodeId, usize),
    /// A node does not take this one for a member.
    Disowned(NodeId),
    /// A node that was dialled once does not answer.
    Missed(NodeId),
    /// Who stands at a node's address is not let in.
    Refused(Stranger),
}

/// What a handle wants.
#[derive(Debug)]
pub(crate) enum Order {
    /// The connection to a node.
    Connection(NodeId, oneshot::Sender<Option<Connection>>),
    /// Send something.
    Carry(NodeId, Load),
    /// Dial everybody who should have dialled: this node has another address.
    Reconnect,
    /// End everything.
    Close(oneshot::Sender<()>),
}

/// What goes over the stream of messages.
#[derive(Debug)]
pub(crate) enum Said {
    /// About rows.
    Rows(Message),
    /// About who is alive.
    Membership(Vec<u8>),
}

/// What is sent without waiting for an answer.
#[derive(Debug)]
pub(crate) enum Load {
    /// Over the stream.
    Said(Said),
    /// In a datagram.
    Datagram(Vec<u8>),
}
