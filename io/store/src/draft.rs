//! Requests, and what they change together: a batch is written to the disk at once.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use weft_registry::{Change, Committed, Condition, LeaseId, Op, Revision, Txn};

use crate::StoreError;
use crate::ledger::{HISTORY, Lease, Ledger, Stored};

/// What a store is asked to change.
#[derive(Debug)]
pub(crate) enum Request {
    Commit(Txn),
    Grant { ttl: Duration, now: Instant },
    KeepAlive { lease: LeaseId, now: Instant },
    Revoke(LeaseId),
    End(Vec<LeaseId>),
    Expire { now: Instant },
}

/// What has become of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    Committed(Committed),
    Granted(LeaseId),
    Done,
}

/// The difference that some requests make together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) revision: Revision,
    pub(crate) compacted: Revision,
    pub(crate) last_lease: u64,
    pub(crate) entries: BTreeMap<String, Option<Stored>>,
    pub(crate) changes: Vec<Change>,
    pub(crate) leases: BTreeMap<LeaseId, Option<Lease>>,
    /// Whether a lease came or went; a new deadline alone is not written.
    pub(crate) leases_differ: bool,
}

impl Batch {
    /// Whether anything must be written.
    pub(crate) const fn is_durable(&self) -> bool {
        !self.changes.is_empty() || self.leases_differ
    }
}

/// Runs requests one after another without touching the ledger yet.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    ledger: &'a Ledger,
    batch: Batch,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(ledger: &'a Ledger) -> Self {
        let batch = Batch {
            revision: ledger.revision,
            compacted: ledger.compacted,
            last_lease: ledger.last_lease,
            ..Batch::default()
        };
        Self { ledger, batch }
    }

    pub(crate) fn run(&mut self, request: Request) -> Result<Reply, StoreError> {
        match request {
            Request::Commit(txn) => self.commit(txn).map(Reply::Committed),
            Request::Grant { ttl, now } => Ok(Reply::Granted(self.grant(ttl, now))),
            Request::KeepAlive { lease, now } => self.keep_alive(lease, now),
            Request::Revoke(lease) => self.lease(lease).map(|_| self.end(&[lease])),
            Request::End(leases) => Ok(self.end_known(leases)),
            Request::Expire { now } => Ok(self.expire(now)),
        }
    }

    /// Ends the draft; what is too old is forgotten with this batch.
    pub(crate) fn finish(mut self) -> Batch {
        let surplus = (self.ledger.log.len() + self.batch.changes.len()).saturating_sub(HISTORY);
        let last = surplus.checked_sub(1).and_then(|last| self.ledger.log.get(last));
        if let Some(change) = last {
            self.batch.compacted = change.revision;
        }
        self.batch
    }

    fn commit(&mut self, txn: Txn) -> Result<Committed, StoreError> {
        if !txn.conditions.iter().all(|condition| self.holds(condition)) {
            return Ok(Committed::Conflict);
        }
        for op in &txn.ops {
            if let Op::Put { lease: Some(lease), .. } = op {
                self.lease(*lease)?;
            }
        }
        Ok(Committed::Applied(self.change(txn.ops)))
    }

    /// Does all steps as the next revision, if any of them changes anything.
    fn change(&mut self, ops: Vec<Op>) -> Revision {
        let revision = self.batch.revision + 1;
        for op in ops {
            let (key, stored) = match op {
                Op::Put { key, value, lease } => {
                    (key, Some(Stored { value, modified: revision, lease }))
                }
                Op::Delete { key } if self.entry(&key).is_none() => continue,
                Op::Delete { key } => (key, None),
            };
            let value = stored.as_ref().map(|stored| stored.value.clone());
            self.batch.changes.push(Change { revision, key: key.clone(), value });
            self.batch.entries.insert(key, stored);
            self.batch.revision = revision;
        }
        self.batch.revision
    }

    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Absent(key) => self.entry(key).is_none(),
            Condition::Present(key) => self.entry(key).is_some(),
            Condition::Unchanged { key, modified } => {
                self.entry(key).is_some_and(|stored| stored.modified == *modified)
            }
        }
    }

    fn entry(&self, key: &str) -> Option<&Stored> {
        match self.batch.entries.get(key) {
            Some(drafted) => drafted.as_ref(),
            None => self.ledger.entries.get(key),
        }
    }

    fn lease(&self, id: LeaseId) -> Result<Lease, StoreError> {
        let lease = match self.batch.leases.get(&id) {
            Some(drafted) => *drafted,
            None => self.ledger.leases.get(&id).copied(),
        };
        lease.ok_or(StoreError::NoSuchLease(id))
    }

    fn grant(&mut self, ttl: Duration, now: Instant) -> LeaseId {
        self.batch.last_lease += 1;
        let id = LeaseId(self.batch.last_lease);
        self.batch.leases.insert(id, Some(Lease { ttl, deadline: now + ttl }));
        self.batch.leases_differ = true;
        id
    }

    fn keep_alive(&mut self, id: LeaseId, now: Instant) -> Result<Reply, StoreError> {
        let Lease { ttl, .. } = self.lease(id)?;
        self.batch.leases.insert(id, Some(Lease { ttl, deadline: now + ttl }));
        Ok(Reply::Done)
    }

    fn end_known(&mut self, mut leases: Vec<LeaseId>) -> Reply {
        leases.retain(|id| self.lease(*id).is_ok());
        self.end(&leases)
    }

    fn expire(&mut self, now: Instant) -> Reply {
        let known = self.ledger.leases.keys().chain(self.batch.leases.keys()).copied();
        let mut late: Vec<LeaseId> =
            known.filter(|id| self.lease(*id).is_ok_and(|lease| lease.deadline <= now)).collect();
        late.sort_unstable();
        late.dedup();
        self.end(&late)
    }

    /// Ends leases and deletes what was put under them.
    fn end(&mut self, leases: &[LeaseId]) -> Reply {
        let kept = self.ledger.entries.keys().chain(self.batch.entries.keys());
        let mut keys: Vec<String> = kept
            .filter(|key| {
                self.entry(key)
                    .and_then(|entry| entry.lease)
                    .is_some_and(|lease| leases.contains(&lease))
            })
            .cloned()
            .collect();
        keys.sort_unstable();
        keys.dedup();
        self.change(keys.into_iter().map(|key| Op::Delete { key }).collect());
        for id in leases {
            self.batch.leases.insert(*id, None);
            self.batch.leases_differ = true;
        }
        Reply::Done
    }
}
