//! Writing: one batch is one redb transaction, on the disk when it returns.

use std::io;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableTableMetadata, WriteTransaction};

use super::tables::{
    ENTRIES, FORMAT_REPLICATED, LEASES, LOG, META, META_CHANGES, META_COMPACTED, META_ENTRIES,
    META_FORMAT, META_LEASE, META_REVISION,
};
use crate::StoreError;
use crate::draft::Batch;

/// An open file.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) database: Database,
}

impl File {
    /// Writes a batch, entirely or not at all.
    pub(crate) fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        self.transact(|transaction| put_batch(transaction, batch))
            .map_err(|error| explain(&self.path, error))
    }

    /// Makes one transaction of `change`, on the disk when it returns.
    pub(crate) fn transact(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), redb::Error> {
        let mut transaction = self.database.begin_write()?;
        // Without it a damaged page of the last commit would look like a commit cut short by a crash,
        // and be taken back silently.
        transaction.set_two_phase_commit(true);
        change(&transaction)?;
        transaction.commit()?;
        Ok(())
    }
}

/// Puts a batch into a transaction.
pub(crate) fn put_batch(transaction: &WriteTransaction, batch: &Batch) -> Result<(), redb::Error> {
    write_entries(transaction, batch)?;
    write_log(transaction, batch)?;
    write_leases(transaction, batch)?;
    let mut meta = transaction.open_table(META)?;
    meta.insert(META_REVISION, batch.revision)?;
    meta.insert(META_COMPACTED, batch.compacted)?;
    meta.insert(META_LEASE, batch.last_lease)?;
    meta.insert(META_ENTRIES, transaction.open_table(ENTRIES)?.len()?)?;
    meta.insert(META_CHANGES, transaction.open_table(LOG)?.len()?)?;
    Ok(())
}

/// Takes everything that batches have put out of a transaction.
pub(crate) fn clear(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(ENTRIES)?.retain(|_, _| false)?;
    transaction.open_table(LOG)?.retain(|_, _| false)?;
    transaction.open_table(LEASES)?.retain(|_, _| false)?;
    Ok(())
}

/// Marks the file as one manager's part of a replicated store.
pub(crate) fn mark_replicated(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(META)?.insert(META_FORMAT, FORMAT_REPLICATED)?;
    Ok(())
}

fn write_entries(transaction: &WriteTransaction, batch: &Batch) -> Result<(), redb::Error> {
    let mut entries = transaction.open_table(ENTRIES)?;
    for (key, stored) in &batch.entries {
        match stored {
            Some(stored) => {
                let lease = stored.lease.map_or(0, |lease| lease.0);
                entries.insert(key.as_str(), (stored.modified, lease, stored.value.as_slice()))?;
            }
            None => drop(entries.remove(key.as_str())?),
        }
    }
    Ok(())
}

fn write_log(transaction: &WriteTransaction, batch: &Batch) -> Result<(), redb::Error> {
    let mut log = transaction.open_table(LOG)?;
    let (mut revision, mut place) = (0, 0);
    for change in &batch.changes {
        place = if change.revision == revision { place + 1 } else { 0 };
        revision = change.revision;
        log.insert((revision, place), (change.key.as_str(), change.value.as_deref()))?;
    }
    log.retain_in(..=(batch.compacted, u32::MAX), |_, _| false)?;
    Ok(())
}

fn write_leases(transaction: &WriteTransaction, batch: &Batch) -> Result<(), redb::Error> {
    let mut leases = transaction.open_table(LEASES)?;
    for (id, lease) in &batch.leases {
        match lease {
            Some(lease) => {
                let millis = u64::try_from(lease.ttl.as_millis()).unwrap_or(u64::MAX);
                leases.insert(id.0, millis)?;
            }
            None => drop(leases.remove(id.0)?),
        }
    }
    Ok(())
}

/// Says what an error of redb means for whoever runs Weft.
pub(crate) fn explain(path: &Path, error: redb::Error) -> StoreError {
    let path = path.to_owned();
    match error {
        redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
            StoreError::Locked { path }
        }
        redb::Error::Io(error) => explain_io(&path, &error),
        redb::Error::PreviousIo
        | redb::Error::DatabaseClosed
        | redb::Error::LockPoisoned(_)
        | redb::Error::Backend(_)
        | redb::Error::Unsupported
        | redb::Error::ValueTooLarge(_) => StoreError::Io { path, cause: error.to_string() },
        damaged => StoreError::Corrupt { path, cause: damaged.to_string() },
    }
}

pub(super) fn explain_io(path: &Path, error: &io::Error) -> StoreError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { path },
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::NoPermission { path }
        }
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            StoreError::Corrupt { path, cause: error.to_string() }
        }
        _other => StoreError::Io { path, cause: error.to_string() },
    }
}
