//! Authenticated QUIC between nodes: messages, questions, followed registries.
//!
//! At most one connection a pair of nodes, mutual TLS 1.3, one UDP port. A peer's id comes from its
//! certificate; what it says about itself in a message counts for nothing. Nothing here knows what
//! a message means.
//!
//! **Invariant:** every queue is bounded. A message to a peer that does not keep up is dropped and
//! counted; the protocols above find out and repair it.

mod certificate;
mod clients;
mod connection;
mod convert;
mod dial;
mod event;
mod frame;
mod handle;
mod instance;
mod join;
mod mesh;
mod once;
mod peers;
mod quic;
mod refusal;
mod tls;
mod wire;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use weft_model::NodeId;

pub use convert::Malformed;
pub use event::{
    CONSENSUS_LONGEST, JoinAnswer, JoinRefused, JoinRequest, JoinResponse, MeshEvent, Refusal,
    Request, Response, Secret, Stranger, WatchItem,
};
pub use handle::{MeshHandle, RequestError, SendError};
pub use join::{JoinError, join};
pub use mesh::Mesh;
pub use once::ask_once;
pub use peers::Peers;
pub use quic::BindError;
pub use tls::CredentialsError;

/// What a node shows of itself, and whom it believes.
#[derive(Debug)]
pub struct Credentials {
    /// Its id, as the certificate has it.
    pub node: NodeId,
    /// Its certificate and the CA's, in this order.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its private key.
    pub key: PrivateKeyDer<'static>,
    /// The CAs that other nodes' certificates may be of.
    pub roots: Vec<CertificateDer<'static>>,
}
