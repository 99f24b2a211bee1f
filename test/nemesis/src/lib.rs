//! Real managers, each a process in a namespace of its own, with clients and faults; afterwards the
//! recorded history is checked by `weft-linear`.
//!
//! What is tested is the store as the agent uses it: replicated by Raft, or kept by an etcd. The
//! managers talk over TCP here, since the fabric and its faults are the lab's, and the protocol
//! between managers is the store's own.

mod client;
mod fault;
mod field;
mod member;
mod protocol;
mod recorder;
mod run;
pub mod serve;

pub use fault::Fault;
pub use field::Kind;
pub use run::{Outcome, Plan, run};
