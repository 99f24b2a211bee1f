//! Raft's own part of the file: the log, the vote, and how far the log is applied.

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Index → entry, JSON.
const ENTRIES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("raft_log");
/// Those below → JSON.
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("raft");

/// This manager's seat.
pub(super) const SEAT: &str = "seat";
/// The last vote.
pub(super) const VOTE: &str = "vote";
/// The last entry that is not in the log any more.
pub(super) const PURGED: &str = "purged";
/// How far the log is applied: `Placed`.
pub(super) const APPLIED: &str = "applied";

/// Makes the tables.
pub(super) fn begin(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    drop(transaction.open_table(RECORDS)?);
    transaction.open_table(ENTRIES)?.retain(|_, _| false)?;
    Ok(())
}

/// Replaces a record.
pub(super) fn put(
    transaction: &WriteTransaction,
    name: &str,
    value: &impl Serialize,
) -> Result<(), redb::Error> {
    transaction.open_table(RECORDS)?.insert(name, json(value)?.as_slice())?;
    Ok(())
}

/// A record, if the file has it.
pub(super) fn get<T: DeserializeOwned>(
    database: &Database,
    name: &str,
) -> Result<Option<T>, redb::Error> {
    let records = match database.begin_read()?.open_table(RECORDS) {
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        records => records?,
    };
    records.get(name)?.map(|record| parse(record.value())).transpose()
}

/// Appends entries.
pub(super) fn append(
    transaction: &WriteTransaction,
    entries: &[(u64, impl Serialize)],
) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(ENTRIES)?;
    for (index, entry) in entries {
        table.insert(index, json(entry)?.as_slice())?;
    }
    Ok(())
}

/// Removes the entries of a range.
pub(super) fn remove(
    transaction: &WriteTransaction,
    range: impl std::ops::RangeBounds<u64>,
) -> Result<(), redb::Error> {
    transaction.open_table(ENTRIES)?.retain_in(range, |_, _| false)?;
    Ok(())
}

/// The entries of a range, in order.
pub(super) fn read<T: DeserializeOwned>(
    database: &Database,
    range: impl std::ops::RangeBounds<u64>,
) -> Result<Vec<T>, redb::Error> {
    let table = database.begin_read()?.open_table(ENTRIES)?;
    let entries = table.range(range)?;
    entries.map(|row| parse(row?.1.value())).collect()
}

/// The last entry.
pub(super) fn last<T: DeserializeOwned>(database: &Database) -> Result<Option<T>, redb::Error> {
    let table = database.begin_read()?.open_table(ENTRIES)?;
    table.last()?.map(|(_index, entry)| parse(entry.value())).transpose()
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, redb::Error> {
    serde_json::to_vec(value).map_err(|error| redb::Error::Corrupted(error.to_string()))
}

fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, redb::Error> {
    serde_json::from_slice(text).map_err(|error| redb::Error::Corrupted(error.to_string()))
}
