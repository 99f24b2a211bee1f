//! Clusters in virtual time.
//!
//! The machines of `core/` run as they are: bare state, no task, no socket. Everything else, the
//! hosts' clocks, the wires between them, the connections over those, crashes and pauses, is an
//! event in one heap that is ordered by time and drawn from one seed. So a run of a thousand nodes
//! repeats itself to the last message, and a failure is a number that a person can type.
//!
//! A run first does harm, then it stops doing harm: the cluster **must heal**. What must never
//! happen is looked for all the time, one file each in [`invariants`].

mod fault;
mod heap;
pub mod invariants;
mod ledger;
mod link;
mod load;
mod node;
#[path = "../../../core/whereabouts/tests/sums/mod.rs"]
mod notary;
mod report;
mod scenario;
mod time;
mod underlay;
mod watch;
mod world;

pub use report::Report;
pub use scenario::{Scenario, run};
