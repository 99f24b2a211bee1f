//! How a file becomes a manager's: it begins one, joins others, or goes on alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use openraft::{CommittedLeaderId, Entry, LogId, Membership, StoredMembership, Vote};
use redb::WriteTransaction;
use weft_model::NodeId;
use weft_registry::{Entry as RegistryEntry, GENERATION, Revision, Snapshot};

use super::records;
use super::shelf::Shelf;
use super::types::{Placed, Seat, SeatId, Types};
use crate::StoreError;
use crate::ledger::{Ledger, Stored};
use crate::redb::{File, explain, mark_replicated, open_replicated};

/// The revision after a restart from what was left is larger by so much, so that nobody takes it
/// for one that the lost managers have given.
const LEAP: Revision = GENERATION;
/// The same after a backup was restored, which knows nothing of restarts that came after it.
const RESTORED: Revision = LEAP << 8;

/// Makes a file for a manager that others will let in. It votes on nothing until then.
pub(super) fn enlist(path: &Path) -> Result<(), StoreError> {
    let (file, _empty) = open_replicated(path)?;
    let seat: SeatId = rand::random();
    file.transact(|transaction| {
        mark_replicated(transaction)?;
        records::begin(transaction)?;
        records::put(transaction, records::SEAT, &seat)?;
        records::put(transaction, records::APPLIED, &Placed::default())
    })
    .map_err(|error| explain(&file.path, error))
}

/// Opens a manager's file; that of a single store becomes the file of a cluster of one.
pub(super) fn open(path: &Path, node: NodeId) -> Result<(SeatId, Shelf), StoreError> {
    let (file, ledger) = open_replicated(path)?;
    let failed = |error| explain(path, error);
    let seat: Option<SeatId> = records::get(&file.database, records::SEAT).map_err(failed)?;
    let seat = match seat {
        Some(seat) => seat,
        None => begin(&file, node, Alone::first()).map_err(failed)?,
    };
    let placed = records::get(&file.database, records::APPLIED).map_err(failed)?;
    let placed = placed.ok_or_else(|| StoreError::Corrupt {
        path: path.to_owned(),
        cause: "it does not say how far its log is applied".into(),
    })?;
    Ok((seat, Shelf::new(file, ledger, placed)))
}

/// What a file holds, without opening it for more.
pub(super) fn peek(path: &Path) -> Result<Snapshot, StoreError> {
    open_replicated(path).map(|(_file, ledger)| ledger.range(""))
}

/// Makes the manager of a file the only one, with all that its log has, committed or not: what was
/// acknowledged is in the log of most managers, and this may be the last one of them.
pub(super) fn recover(path: &Path, node: NodeId) -> Result<(), StoreError> {
    let (_seat, shelf) = open(path, node)?;
    let from = shelf.placed().log.map_or(0, |log| log.index + 1);
    let rest: Vec<Entry<Types>> = shelf.read(|file| records::read(file, from..))?;
    let vote: Option<Vote<SeatId>> = shelf.read(|file| records::get(file, records::VOTE))?;
    if !rest.is_empty() {
        shelf.apply(rest)?;
    }
    let last = shelf.placed().log;
    shelf.close();
    let (file, ledger) = open_replicated(path)?;
    let term = vote.map_or(0, |vote| vote.leader_id().term) + 1;
    let index = last.map_or(0, |log| log.index + 1);
    begin(&file, node, Alone { term, index, anew: Some(leaped(ledger, LEAP)) })
        .map(|_seat| ())
        .map_err(|error| explain(path, error))
}

/// Makes a file for the only manager of a registry that was kept elsewhere.
pub(super) fn restore(path: &Path, node: NodeId, registry: &Snapshot) -> Result<(), StoreError> {
    let (file, mut ledger) = open_replicated(path)?;
    ledger.revision = registry.revision;
    ledger.entries = registry.entries.iter().map(stored).collect();
    begin(&file, node, Alone { anew: Some(leaped(ledger, RESTORED)), ..Alone::first() })
        .map(|_seat| ())
        .map_err(|error| explain(path, error))
}

fn stored(entry: &RegistryEntry) -> (String, Stored) {
    let RegistryEntry { key, value, modified } = entry.clone();
    (key, Stored { value, modified, lease: None })
}

/// Where the log of a manager begins that is the only one.
struct Alone {
    term: u64,
    index: u64,
    /// What the file is to hold, if that is not what it has.
    anew: Option<Ledger>,
}

impl Alone {
    const fn first() -> Self {
        Self { term: 1, index: 0, anew: None }
    }
}

/// Writes the state of a log whose every entry is applied and forgotten: so the first manager that
/// joins gets a snapshot, with what was there before there was a log.
fn begin(file: &File, node: NodeId, alone: Alone) -> Result<SeatId, redb::Error> {
    let seat: SeatId = rand::random();
    let log = LogId::new(CommittedLeaderId::new(alone.term, seat), alone.index);
    let seats = BTreeMap::from([(seat, Seat { node: Some(node) })]);
    let membership = Membership::new(vec![BTreeSet::from([seat])], seats);
    let membership = StoredMembership::new(Some(log), membership);
    file.transact(|transaction| {
        mark_replicated(transaction)?;
        records::begin(transaction)?;
        records::put(transaction, records::SEAT, &seat)?;
        records::put(transaction, records::VOTE, &Vote::new(alone.term, seat))?;
        records::put(transaction, records::PURGED, &log)?;
        let placed = Placed { log: Some(log), membership, ..Placed::default() };
        records::put(transaction, records::APPLIED, &placed)?;
        alone.anew.map_or(Ok(()), |ledger| replace(transaction, &ledger))
    })?;
    Ok(seat)
}

/// Makes everybody who knows an older revision read everything anew.
fn leaped(mut ledger: Ledger, by: Revision) -> Ledger {
    ledger.revision += by;
    ledger.compacted = ledger.revision;
    ledger.log.clear();
    ledger
}

fn replace(transaction: &WriteTransaction, ledger: &Ledger) -> Result<(), redb::Error> {
    crate::redb::clear(transaction)?;
    crate::redb::put_batch(transaction, &ledger.to_batch())
}
