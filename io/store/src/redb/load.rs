//! Reading a whole file, with a check that nothing is missing.

use std::time::Duration;

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};
use tokio::time::Instant;
use weft_registry::{Change, LeaseId};

use super::tables::{
    ENTRIES, LEASES, LOG, META, META_CHANGES, META_COMPACTED, META_ENTRIES, META_FORMAT,
    META_LEASE, META_REVISION,
};
use crate::ledger::{Lease, Ledger, Stored};

/// Why a file that redb could open is not as it was left.
#[derive(Debug)]
pub(super) enum LoadError {
    Redb(redb::Error),
    Format(u64),
    Missing(String),
}

impl<E: Into<redb::Error>> From<E> for LoadError {
    fn from(error: E) -> Self {
        Self::Redb(error.into())
    }
}

pub(super) fn load(database: &Database, known: &[u64]) -> Result<Ledger, LoadError> {
    let transaction = database.begin_read()?;
    let format = number(&transaction, META_FORMAT)?;
    if !known.contains(&format) {
        return Err(LoadError::Format(format));
    }
    let mut ledger = Ledger {
        revision: number(&transaction, META_REVISION)?,
        compacted: number(&transaction, META_COMPACTED)?,
        last_lease: number(&transaction, META_LEASE)?,
        ..Ledger::default()
    };
    load_entries(&transaction, &mut ledger)?;
    load_log(&transaction, &mut ledger)?;
    load_leases(&transaction, &mut ledger)?;
    must_count(&transaction, META_ENTRIES, ledger.entries.len())?;
    must_count(&transaction, META_CHANGES, ledger.log.len())?;
    Ok(ledger)
}

fn load_entries(transaction: &ReadTransaction, ledger: &mut Ledger) -> Result<(), LoadError> {
    for row in transaction.open_table(ENTRIES)?.iter()? {
        let (key, value) = row?;
        let (modified, lease, value) = value.value();
        let lease = (lease != 0).then_some(LeaseId(lease));
        let stored = Stored { value: value.to_vec(), modified, lease };
        ledger.entries.insert(key.value().to_owned(), stored);
    }
    Ok(())
}

fn load_log(transaction: &ReadTransaction, ledger: &mut Ledger) -> Result<(), LoadError> {
    for row in transaction.open_table(LOG)?.iter()? {
        let (place, change) = row?;
        let (revision, _) = place.value();
        let (key, value) = change.value();
        let value = value.map(<[u8]>::to_vec);
        ledger.log.push_back(Change { revision, key: key.to_owned(), value });
    }
    Ok(())
}

fn load_leases(transaction: &ReadTransaction, ledger: &mut Ledger) -> Result<(), LoadError> {
    let now = Instant::now();
    for row in transaction.open_table(LEASES)?.iter()? {
        let (id, millis) = row?;
        let ttl = Duration::from_millis(millis.value());
        ledger.leases.insert(LeaseId(id.value()), Lease { ttl, deadline: now + ttl });
    }
    Ok(())
}

fn number(transaction: &ReadTransaction, name: &str) -> Result<u64, LoadError> {
    let found = transaction.open_table(META)?.get(name)?.map(|number| number.value());
    found.ok_or_else(|| LoadError::Missing(format!("`{name}` is missing")))
}

fn must_count(transaction: &ReadTransaction, name: &str, found: usize) -> Result<(), LoadError> {
    let expected = number(transaction, name)?;
    if usize::try_from(expected) == Ok(found) {
        return Ok(());
    }
    Err(LoadError::Missing(format!("{expected} {name} are expected, {found} are there")))
}
