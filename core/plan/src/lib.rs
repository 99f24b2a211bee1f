//! Desired minus observed: the ordered changes that make the kernel right.
//!
//! Nothing here touches a kernel. [`Desired`] is what the agent wants, [`Observed`] is what a dump
//! showed, [`diff`] says what to do about it, and [`simulate`] says what each step leads to.

mod change;
mod desired;
mod diff;
mod engine;
mod firewall;
mod flaw;
mod gate;
mod ifname;
mod observed;
mod order;
mod passage;
mod simulate;

pub use change::{Change, Place, Tunnel};
pub use desired::{Desired, Egress, Guard, Port, Segment};
pub use diff::{diff, teardown};
pub use engine::{Engine, EngineError};
pub use firewall::{Firewall, FirewallSeen, Masquerade};
pub use flaw::Flaw;
pub use gate::{Door, Gate, GateSeen};
pub use ifname::{IfName, IfNameError};
pub use observed::{
    EgressSeen, FdbSeen, LinkSeen, NamespaceSeen, NeighborSeen, Observed, SegmentSeen, SharedSeen,
    VxlanSeen, WovenSeen,
};
pub use order::Plan;
pub use passage::PassageSeen;
pub use simulate::simulate;
