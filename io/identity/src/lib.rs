//! Who is who: the cluster's CA, the certificates of its nodes, and the tokens that hosts join with.
//!
//! A node's identity is its certificate's URI, `weft://<cluster>/node/<node id>`, and nothing else:
//! names and addresses may change. Its key signs what it says of its endpoints, too. Private keys never leave the host that made them.

mod authority;
mod key;
mod name;
mod notary;
mod pem;
mod token;
mod validity;

pub use authority::{Authority, AuthorityError};
pub use key::{KeyError, NodeKey, NotAKey, asked_for};
pub use name::{NotANode, node_of};
pub use notary::KeyNotary;
pub use pem::{PemError, certificates, pem_of, private_key};
pub use token::{ParseTokenError, Token, fingerprint, hash, same};
pub use validity::Validity;
