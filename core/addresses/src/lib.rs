//! Blocks, leases and rest: which node may give out which address.
//!
//! The registry hands a node *blocks* of a network's subnet; the node leases addresses from its own
//! blocks alone, so that it goes on without managers and no address is ever given twice. The
//! functions choose subnets and blocks, [`Lessor`] leases; neither remembers anything durably, which
//! is the caller's part.

mod block;
mod idle;
mod lessor;
mod refused;
mod span;
mod subnet;

pub use block::{block_holding, next_block, without};
pub use lessor::Lessor;
pub use refused::{BlockInUse, NoAddress, NotLeasable};
pub use subnet::next_subnet;
