//! What should exist: keys, records and the transactions that change them.
//!
//! A store keeps revisioned entries; [`View`] is what a node knows of them, parsed; [`decide`] turns a
//! [`Command`] into a conditional transaction or a refusal. Nothing here touches a store.
//!
//! **Invariant:** two decisions that contradict each other never both commit, however old the views
//! are that they were made from: each transaction carries the conditions it was decided under.

mod alone;
mod claim;
mod claims;
mod command;
mod decide;
mod keeping;
mod key;
mod moved;
mod quorum;
mod record;
mod refused;
mod succession;
mod txn;
mod view;

pub use alone::with_only_manager;
pub use claim::Claim;
pub use claims::{Claims, Doubt, FalseClaim, Row};
pub use command::{Command, NetworkRequest, Want};
pub use decide::{Decision, Outcome, Situation, decide};
pub use keeping::with_keeping;
pub use key::{Key, KeyError};
pub use moved::{NotMoved, There, has_arrived, may_leave};
pub use quorum::Quorum;
pub use record::{Block, CERTIFICATE_LIFE, Cluster, Keeping, Quarantine, TokenHash};
pub use refused::Refused;
pub use succession::{Succession, succession};
pub use txn::{
    Change, Committed, Condition, Entry, GENERATION, LeaseId, Op, Revision, Snapshot, Txn,
    generation,
};
pub use view::{View, ViewError};
