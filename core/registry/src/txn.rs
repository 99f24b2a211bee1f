//! What a store keeps and how it is changed: entries, conditional transactions, changes.

use serde::{Deserialize, Serialize};

/// Counts the commits of a store; each commit that changes anything makes it larger: by one, unless
/// the store shares its counter with others.
pub type Revision = u64;

/// So many revisions lie between a registry and the same one begun anew from what was left of it.
pub const GENERATION: Revision = 1 << 32;

/// How often a registry was begun anew, as its revisions show: of two managers that contradict each
/// other, the one with the later generation is right.
#[must_use]
pub const fn generation(revision: Revision) -> u64 {
    revision / GENERATION
}

/// A promise to come back in time; the entries that were put under it go when it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseId(pub u64);

/// One key and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The whole key, beginning with `/`.
    pub key: String,
    /// JSON, if it is a registry entry.
    pub value: Vec<u8>,
    /// When it was put last.
    pub modified: Revision,
}

/// All entries under a prefix, as of one revision, ordered by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The store's revision, not that of the youngest entry.
    pub revision: Revision,
    /// The entries.
    pub entries: Vec<Entry>,
}

/// What must hold at the moment of the commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// There is no such key.
    Absent(String),
    /// There is such a key.
    Present(String),
    /// The key is there and was not put since.
    Unchanged {
        /// The key.
        key: String,
        /// The revision of the entry that was read.
        modified: Revision,
    },
}

/// One step of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Makes or replaces an entry.
    Put {
        /// The key.
        key: String,
        /// The new value.
        value: Vec<u8>,
        /// The lease that the entry depends on from now on.
        lease: Option<LeaseId>,
    },
    /// Removes an entry, if it is there.
    Delete {
        /// The key.
        key: String,
    },
}

/// Steps that are all done, in order, if all conditions hold, and otherwise none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Txn {
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Done in this order; a watcher sees them in this order.
    pub ops: Vec<Op>,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Committed {
    /// It is done, as this revision; if nothing had to change, the revision is an older one.
    Applied(Revision),
    /// A condition did not hold; nothing changed.
    Conflict,
}

/// One step that a watcher sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The commit it belongs to; several changes may belong to one.
    pub revision: Revision,
    /// The key.
    pub key: String,
    /// The new value; absent: the entry is gone.
    pub value: Option<Vec<u8>>,
}
