//! Revisioned key-value stores: in memory, and durable on redb.
//!
//! A [`Store`] keeps entries, changes them by conditional transactions, tells of every change in order,
//! and deletes what was put under a lease that ran out. [`Memory`] forgets everything with the
//! process; [`Redb`] keeps it in one file, and a commit is on the disk before it is acknowledged. Both
//! pass the suite in [`contract`].
//!
//! Both keep all entries in memory, since a registry has some megabytes: reads never wait for a disk.

#[expect(clippy::unwrap_used, reason = "a test suite")]
pub mod contract;
mod draft;
mod engine;
mod error;
mod ledger;
mod memory;
mod redb;
mod store;
mod ticker;
mod watcher;

pub use error::StoreError;
pub use ledger::HISTORY;
pub use memory::Memory;
pub use redb::Redb;
pub use store::Store;
