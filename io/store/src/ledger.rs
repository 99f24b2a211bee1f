//! The whole state of a store, in memory.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use weft_registry::{Change, Entry, LeaseId, Revision, Snapshot};

use crate::StoreError;
use crate::draft::Batch;

/// So many changes are kept for watchers that start late or fall behind.
pub const HISTORY: usize = 4096;

/// An entry without its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) value: Vec<u8>,
    pub(crate) modified: Revision,
    pub(crate) lease: Option<LeaseId>,
}

/// A granted lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    pub(crate) ttl: Duration,
    pub(crate) deadline: Instant,
}

/// What is committed. It changes by whole batches only.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) revision: Revision,
    /// Changes up to this revision are forgotten.
    pub(crate) compacted: Revision,
    pub(crate) entries: BTreeMap<String, Stored>,
    /// Ordered by revision.
    pub(crate) log: VecDeque<Change>,
    pub(crate) leases: BTreeMap<LeaseId, Lease>,
    pub(crate) last_lease: u64,
}

impl Ledger {
    pub(crate) fn range(&self, prefix: &str) -> Snapshot {
        let from = self
            .entries
            .range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded));
        let entries = from.take_while(|(key, _)| key.starts_with(prefix)).map(|(key, stored)| {
            Entry { key: key.clone(), value: stored.value.clone(), modified: stored.modified }
        });
        Snapshot { revision: self.revision, entries: entries.collect() }
    }

    /// The changes after a revision, or why they cannot be told.
    pub(crate) fn since(&self, after: Revision, prefix: &str) -> Result<Vec<Change>, StoreError> {
        if after < self.compacted {
            return Err(StoreError::Compacted { oldest: self.compacted });
        }
        let first = self.log.partition_point(|change| change.revision <= after);
        let newer = self.log.range(first..);
        Ok(newer.filter(|change| change.key.starts_with(prefix)).cloned().collect())
    }

    pub(crate) fn apply(&mut self, batch: Batch) {
        self.revision = batch.revision;
        self.compacted = batch.compacted;
        self.last_lease = batch.last_lease;
        self.log.extend(batch.changes);
        while self.log.pop_front_if(|change| change.revision <= self.compacted).is_some() {}
        for (key, stored) in batch.entries {
            match stored {
                Some(stored) => self.entries.insert(key, stored),
                None => self.entries.remove(&key),
            };
        }
        for (id, lease) in batch.leases {
            match lease {
                Some(lease) => self.leases.insert(id, lease),
                None => self.leases.remove(&id),
            };
        }
    }

    /// All of it as one batch, for a file that has nothing.
    pub(crate) fn to_batch(&self) -> Batch {
        let entries = self.entries.iter().map(|(key, stored)| (key.clone(), Some(stored.clone())));
        Batch {
            revision: self.revision,
            compacted: self.compacted,
            last_lease: self.last_lease,
            entries: entries.collect(),
            changes: self.log.iter().cloned().collect(),
            leases: self.leases.iter().map(|(id, lease)| (*id, Some(*lease))).collect(),
            leases_differ: true,
        }
    }

    /// Starts a lease's time anew, or that of all of them.
    pub(crate) fn renew(&mut self, which: Option<LeaseId>, now: Instant) {
        let wanted = |id: &LeaseId| which.is_none_or(|which| which == *id);
        for (_id, lease) in self.leases.iter_mut().filter(|(id, _lease)| wanted(id)) {
            lease.deadline = now + lease.ttl;
        }
    }

    /// The leases whose time has come.
    pub(crate) fn late(&self, now: Instant) -> Vec<LeaseId> {
        let late = self.leases.iter().filter(|(_id, lease)| lease.deadline <= now);
        late.map(|(id, _lease)| *id).collect()
    }

    /// When the first lease runs out.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.leases.values().map(|lease| lease.deadline).min()
    }
}
