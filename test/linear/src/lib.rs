//! Whether a recorded history of a store is linearizable: as if each operation had happened at one moment
//! between its call and its answer.
//!
//! [`witness`] believes the revisions that the store has told, and checks in O(n log n) that everything
//! else agrees with them. [`register`] believes nothing but the values, and searches for an order: that
//! finds a store whose revisions lie consistently, for histories of some hundreds of operations a
//! key.
//!
//! Values are written once in a history, so that a value tells the write it comes from.

mod history;
pub mod register;
mod violation;
pub mod witness;

pub use history::{
    Call, Change, Client, Ending, Expect, History, Key, Operation, Outcome, Revision, Seen, Time,
    Value, Watch,
};
pub use violation::Violation;
