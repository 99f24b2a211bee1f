//! A snapshot: all of a store as bytes, for a manager that is too far behind for the log.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use weft_registry::{Change, LeaseId, Revision};

use crate::ledger::{Lease, Ledger, Stored};

#[derive(Debug, Serialize, Deserialize)]
struct Image {
    revision: Revision,
    compacted: Revision,
    entries: Vec<(String, Stored)>,
    history: Vec<Change>,
    leases: Vec<(LeaseId, Duration)>,
    last_lease: u64,
    /// What is not to be done again.
    #[serde(default)]
    done: VecDeque<u64>,
}

/// The ledger as bytes, and what was done last.
pub(super) fn write(ledger: &Ledger, done: &VecDeque<u64>) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Image {
        revision: ledger.revision,
        compacted: ledger.compacted,
        entries: ledger.entries.iter().map(|(key, stored)| (key.clone(), stored.clone())).collect(),
        history: ledger.log.iter().cloned().collect(),
        leases: ledger.leases.iter().map(|(id, lease)| (*id, lease.ttl)).collect(),
        last_lease: ledger.last_lease,
        done: done.clone(),
    })
}

/// The ledger of such bytes; the time of every lease starts anew.
pub(super) fn read(bytes: &[u8]) -> Result<(Ledger, VecDeque<u64>), serde_json::Error> {
    let image: Image = serde_json::from_slice(bytes)?;
    let now = Instant::now();
    let lease = |(id, ttl)| (id, Lease { ttl, deadline: now + ttl });
    let ledger = Ledger {
        revision: image.revision,
        compacted: image.compacted,
        entries: image.entries.into_iter().collect(),
        log: image.history.into_iter().collect(),
        leases: image.leases.into_iter().map(lease).collect(),
        last_lease: image.last_lease,
    };
    Ok((ledger, image.done))
}
