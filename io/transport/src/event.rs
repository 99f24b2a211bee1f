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
    /// A node says that this one is no member of the cluster (any more).
    Disowned(NodeId),
    /// Somebody was refused at the door, or stands at a node's address and is not let in.
    Refused(Stranger),
    /// A node says something about rows.
    Message(NodeId, Message),
    /// A node says something about who is alive, in a datagram or over the stream.
    Membership(NodeId, Vec<u8>),
    /// A node asks. Dropping the sender refuses.
    Asked(NodeId, Request, oneshot::Sender<Response>),
    /// A host without a certificate wants to join. Dropping the sender refuses.
    Joining(SocketAddr, JoinRequest, oneshot::Sender<JoinAnswer>),
    /// A node follows the registry. Dropping the sender ends that.
    Watch(NodeId, Revision, mpsc::Sender<WatchItem>),
}

/// Who was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// Where it is.
    pub at: SocketAddr,
    /// Whom its certificate names, if it is one of the cluster's.
    pub node: Option<NodeId>,
    /// Why.
    pub why: Refusal,
}

/// Why a host is not talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Its certificate is not of this cluster's CA, or of another node than is looked for.
    Foreign,
    /// Its certificate has run out.
    Expired,
    /// Its certificate is good, but it is no member (any more).
    NoMember,
    /// It has the identity of a node that runs elsewhere, and answers.
    Clone,
    /// It refuses this node, whose identity another host has, too.
    OwnClone,
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
    /// Look at the asked node's own state. What the bytes mean is the owners' business.
    Inspect {
        /// What is to be looked at.
        question: Vec<u8>,
    },
    /// What a manager says to another one about their common log. What the bytes mean is the
    /// stores' business.
    Consensus {
        /// No longer than [`CONSENSUS_LONGEST`].
        message: Vec<u8>,
    },
    /// Let the asker, a manager, have the cluster's CA with its key.
    Authority,
}

/// No message between managers is longer, in bytes: a piece of a snapshot is a quarter of it.
pub const CONSENSUS_LONGEST: usize = 16 << 20;

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
    /// It could not be decided: the managers are in trouble.
    Failed {
        /// What failed and why.
        error: String,
        /// What to try.
        hint: String,
        /// Whether it may have been done all the same.
        perhaps: bool,
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
    /// What was seen.
    Inspected {
        /// To be read as the question demands.
        answer: Vec<u8>,
    },
    /// Another manager's answer.
    Consensus {
        /// To be read by the store that has asked.
        answer: Vec<u8>,
    },
    /// What a manager has that others have not.
    Authority {
        /// The cluster's CA with its key.
        pem: Secret,
        /// How to reach the etcd that keeps the registry, if one does. What the text means is the
        /// owners' business.
        etcd: Option<Secret>,
    },
}

/// Text that nobody may read in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// One item of a followed registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchItem {
    /// All of it.
    Snapshot(Snapshot),
    /// What came next: all that one commit changed, since half of it makes no sense.
    Changes(Vec<Change>),
    /// What was there when the follower asked has been told, and a majority of the managers stands
    /// behind it at this moment. Said again and again for as long as that is so.
    Confirmed {
        /// Who puts changes in order.
        leader: Option<NodeId>,
    },
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
