//! What clients did and saw.

use std::collections::BTreeMap;

/// Time since the recording began, by one clock for all clients.
pub type Time = std::time::Duration;
/// Counts what a store has committed.
pub type Revision = u64;
/// What is written: no two writes of a history write the same.
pub type Value = u64;
/// A name of an entry.
pub type Key = String;
/// Who asks; it does one thing at a time.
pub type Client = u32;

/// An entry as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What was there.
    pub value: Value,
    /// When it was put, as the store says.
    pub modified: Revision,
}

/// What a write depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Anything,
    /// That the entry is still as it was seen, or still absent.
    Unchanged(Option<Seen>),
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Reads the entry.
    Read,
    /// Puts it.
    Put {
        /// The new value.
        value: Value,
        /// On what condition.
        expect: Expect,
    },
    /// Takes this value away, if it is there; acknowledged, it is not there any more, whoever did it.
    /// [`crate::register`] alone knows of this.
    Remove {
        /// The value.
        value: Value,
    },
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A read was answered.
    Read {
        /// The store's revision at that moment.
        revision: Revision,
        /// The entry, if there is one.
        found: Option<Seen>,
    },
    /// A put was acknowledged as this revision.
    Applied(Revision),
    /// The condition did not hold.
    Conflict,
    /// It was not done, said the store.
    Refused,
    /// Nobody knows: no answer came.
    Unknown,
}

/// One call of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Who asked.
    pub client: Client,
    /// About which entry.
    pub key: Key,
    /// When it was asked.
    pub invoked: Time,
    /// When the answer came, or was not waited for any more.
    pub completed: Time,
    /// What was asked.
    pub call: Call,
    /// What came of it.
    pub outcome: Outcome,
}

impl Operation {
    /// The revision that it was served at.
    pub(crate) const fn revision(&self) -> Option<Revision> {
        match self.outcome {
            Outcome::Read { revision, .. } | Outcome::Applied(revision) => Some(revision),
            Outcome::Conflict | Outcome::Refused | Outcome::Unknown => None,
        }
    }
}

/// One entry was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// As which revision.
    pub revision: Revision,
    /// Which entry.
    pub key: Key,
    /// Its new value.
    pub value: Value,
}

/// What a watch has told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// It was asked for changes after this revision.
    pub after: Revision,
    /// What came.
    pub changes: Vec<Change>,
}

/// What was there when all was over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// The store's revision.
    pub revision: Revision,
    /// Every entry.
    pub entries: BTreeMap<Key, Seen>,
}

/// All that was recorded. The entries are absent when it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Every operation, in any order.
    pub operations: Vec<Operation>,
    /// Every change from the beginning to the end, as one watch has told them.
    pub changes: Vec<Change>,
    /// What other watches have told meanwhile.
    pub watches: Vec<Watch>,
    /// What was left.
    pub ending: Ending,
}

impl History {
    /// The operations about each entry.
    #[must_use]
    pub fn by_key(&self) -> BTreeMap<&str, Vec<&Operation>> {
        let mut keys: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
        for operation in &self.operations {
            keys.entry(&operation.key).or_default().push(operation);
        }
        keys
    }
}
