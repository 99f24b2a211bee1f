//! What is to be sent.

use weft_model::NodeId;

/// How bytes are to be carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// They may get lost; at most 1,101 bytes.
    Datagram,
    /// They may be many.
    Stream,
}

/// Bytes to be sent to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// To whom.
    pub to: NodeId,
    /// How.
    pub by: Carrier,
    /// For [`crate::Membership::handle`] there.
    pub bytes: Vec<u8>,
}
