//! The nouns of Weft, each parsed once at the border and trusted inside.
//!
//! This crate decides nothing: it says what a network, a node, an endpoint or an address *is*.

mod endpoint;
mod hop;
mod id;
mod key;
mod label;
mod mac;
mod mtu;
mod network;
mod node;
mod vni;
mod vtep;

pub use endpoint::Endpoint;
pub use hop::Hop;
pub use id::{EndpointId, NetworkId, NodeId, ParseIdError};
pub use key::{ParseKeyError, PublicKey};
pub use label::{Name, ParseNameError};
pub use mac::{MacAddr, ParseMacError};
pub use mtu::{Mtu, MtuError};
pub use network::{Network, Subnet, SubnetError};
pub use node::{Node, Role};
pub use vni::{Vni, VniError};
pub use vtep::{DEFAULT_VXLAN_PORT, Vtep};
