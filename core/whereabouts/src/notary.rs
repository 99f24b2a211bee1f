//! Who puts a seal under what: keys and their arithmetic are the agent's.

use std::fmt;

use weft_model::PublicKey;

/// An owner's signature under all that it has on a network as of some change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seal(pub [u8; 64]);

impl fmt::Debug for Seal {
    /// Enough to tell two apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([a, b, c, d, ..]) = self;
        write!(f, "Seal({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// Signs for this node, and checks what others have signed.
pub trait Notary: fmt::Debug + Send + Sync {
    /// This node's seal under a statement; absent: there is none to be had now.
    fn seal(&self, statement: &[u8]) -> Option<Seal>;

    /// Whether whoever has `key` has put this seal under a statement.
    fn is_sealed(&self, key: &PublicKey, statement: &[u8], seal: &Seal) -> bool;
}
