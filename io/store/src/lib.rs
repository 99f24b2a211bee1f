//! Revisioned key-value stores: in memory, durable on redb, replicated by Raft, or kept by an etcd.
//!
//! A [`Store`] keeps entries, changes them by conditional transactions, tells of every change in order,
//! and deletes what was put under a lease that ran out. [`Memory`] forgets everything with the
//! process; [`Redb`] keeps it in one file, and a commit is on the disk before it is acknowledged;
//! [`Raft`] keeps it on several hosts, and a commit is on the disks of most of them before it is
//! acknowledged; [`Etcd`] leaves all that to an etcd. All pass the suite in [`contract`].
//!
//! All but the last keep all entries in memory, since a registry has some megabytes: reads never wait
//! for a disk.

#[expect(clippy::unwrap_used, reason = "a test suite")]
pub mod contract;
mod draft;
mod engine;
mod error;
mod etcd;
mod ledger;
mod memory;
mod raft;
mod redb;
mod store;
mod ticker;
mod watcher;

pub use error::StoreError;
pub use etcd::{Etcd, EtcdAccess, EtcdFault, EtcdIdentity, EtcdTls};
pub use ledger::HISTORY;
pub use memory::Memory;
pub use raft::{Asker, LinkError, Links, Raft, Standing};
pub use redb::Redb;
pub use store::Store;
