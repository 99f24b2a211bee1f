//! What a mesh tells its owner, and what nodes ask of each other.

use std::net::{IpAddr, SocketAddr};

use tokio::sync::{mpsc, oneshot};
use weft_model::{Name, NetworkId, Node, NodeId};
use weft_registry::{Change, Command, Outcome, Revision, Snapshot};
use weft_whereabouts::Message;

/// What happened. The node ids come from certificates, never from messages.
#[derive(Debug)]
pub enum MeshEvent {
    /// A node can be talked to.
    Up(NodeId),
    /// A node cannot be talked to any more.
    Down(NodeId),
    /// A node says something about its rows.
    Message(NodeId, Message),
    /// A node asks. Dropping the sender refuses.
    Asked(NodeId, Request, oneshot::Sender<Response>),
    /// A host without a certificate wants to join. Dropping the sender refuses.
    Joining(SocketAddr, JoinRequest, oneshot::Sender<JoinAnswer>),
    /// A node follows the registry. Dropping the sender ends that.
    Watch(NodeId, Revision, mpsc::Sender<WatchItem>),
}

/// What a node asks of another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a request lives for one call")]
pub enum Request {
    /// Change the registry.
    Command(Command),
    /// Sign a new certificate for the asker.
    Renew {
        /// The request, DER.
        csr_der: Vec<u8>,
    },
    /// Let the asker have an address that is in a block of the asked node's.
    Cede {
        /// Of this network.
        network: NetworkId,
        /// The address.
        address: IpAddr,
    },
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// The registry was changed, at this revision.
    Outcome(Outcome, Revision),
    /// Nothing changed.
    Refused {
        /// What failed and why.
        error: String,
        /// What to try.
        hint: String,
    },
    /// The asker's new certificate.
    Certificate {
        /// The node's own and the CA's, DER.
        chain: Vec<Vec<u8>>,
    },
    /// The asked node is no manager.
    NotManager {
        /// Those that it knows.
        managers: Vec<NodeId>,
    },
}

/// One item of a followed registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchItem {
    /// All of it.
    Snapshot(Snapshot),
    /// What came next: all that one commit changed, since half of it makes no sense.
    Changes(Vec<Change>),
}

/// What a host says that wants to join.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinRequest {
    /// The token's secret part.
    pub secret: String,
    /// The request for a certificate, DER.
    pub csr_der: Vec<u8>,
    /// What the host wants to be called.
    pub name: Name,
    /// Its underlay address; absent: the one that it connects from.
    pub vtep: Option<IpAddr>,
    /// Where it accepts other nodes' connections.
    pub control_port: u16,
    /// The id that it has chosen.
    pub node: NodeId,
}

impl std::fmt::Debug for JoinRequest {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { secret: _, csr_der: _, name, vtep, control_port, node } = self;
        let mut out = f.debug_struct("JoinRequest");
        out.field("name", name).field("vtep", vtep).field("control_port", control_port);
        out.field("node", node).finish_non_exhaustive()
    }
}

/// What a host becomes a member with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinResponse {
    /// The node's certificate and the CA's, DER.
    pub certificate_chain: Vec<Vec<u8>>,
    /// The CA's certificate, DER.
    pub ca: Vec<u8>,
    /// The node as it is registered.
    pub node: Node,
    /// The registry.
    pub snapshot: Snapshot,
}

/// Why a host was not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct JoinRefused {
    /// What failed and why.
    pub error: String,
    /// What to try.
    pub hint: String,
}

/// A manager's answer to a [`JoinRequest`].
pub type JoinAnswer = Result<JoinResponse, JoinRefused>;
