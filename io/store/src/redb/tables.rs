//! What is in the file.

use redb::TableDefinition;

/// The version of all of this.
pub(super) const FORMAT: u64 = 1;

/// The same with the tables of `crate::raft`: a version that knows nothing of them must not write it.
pub(super) const FORMAT_REPLICATED: u64 = 2;

/// Key → revision it was put at, lease (0: none), value.
pub(super) const ENTRIES: TableDefinition<'_, &str, (u64, u64, &[u8])> =
    TableDefinition::new("entries");

/// Revision and place in it → key, value (none: deleted).
pub(super) const LOG: TableDefinition<'_, (u64, u32), Logged> = TableDefinition::new("log");

type Logged = (&'static str, Option<&'static [u8]>);

/// Lease → milliseconds.
pub(super) const LEASES: TableDefinition<'_, u64, u64> = TableDefinition::new("leases");

/// Numbers: those named below.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// The file's format.
pub(super) const META_FORMAT: &str = "format";
/// The last revision.
pub(super) const META_REVISION: &str = "revision";
/// The log begins after this revision.
pub(super) const META_COMPACTED: &str = "compacted";
/// The last lease granted.
pub(super) const META_LEASE: &str = "lease";
/// How many entries there must be.
pub(super) const META_ENTRIES: &str = "entries";
/// How many changes the log must have.
pub(super) const META_CHANGES: &str = "changes";
