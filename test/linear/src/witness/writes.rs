//! Each write is done as it was answered, and not twice.

use std::collections::{BTreeMap, BTreeSet};

use super::window::Windows;
use crate::{Call, Change, History, Operation, Outcome, Revision, Value, Violation};

pub(super) fn check(history: &History, windows: &Windows) -> Vec<Violation> {
    let mut done: BTreeMap<(&str, Value), Vec<Revision>> = BTreeMap::new();
    for change in &history.changes {
        done.entry((&change.key, change.value)).or_default().push(change.revision);
    }
    let mut asked = BTreeSet::new();
    let mut found = Vec::new();
    for operation in &history.operations {
        let Call::Put { value, .. } = operation.call else { continue };
        let name = (operation.key.as_str(), value);
        asked.insert(name);
        let revisions = done.get(&name).map(Vec::as_slice).unwrap_or_default();
        found.extend(write(operation, revisions, windows));
    }
    let stray = |change: &&Change| !asked.contains(&(change.key.as_str(), change.value));
    found.extend(history.changes.iter().filter(stray).cloned().map(Violation::FromNowhere));
    found
}

fn write(operation: &Operation, done: &[Revision], windows: &Windows) -> Option<Violation> {
    let write = || operation.clone();
    match (operation.outcome, done) {
        (_, [_, _, ..]) => {
            Some(Violation::Repeated { operation: write(), revisions: done.to_vec() })
        }
        (Outcome::Applied(_), []) => Some(Violation::Lost(write())),
        (Outcome::Applied(revision), [told]) => {
            (revision != *told).then(|| Violation::Moved { operation: write(), told: *told })
        }
        (Outcome::Unknown, [told]) => {
            let early = windows.before(operation).is_some_and(|before| *told <= before);
            early.then(|| Violation::TooEarly { operation: write(), told: *told })
        }
        (Outcome::Conflict | Outcome::Refused, [_]) => Some(Violation::DoneThoughRefused(write())),
        _ => None,
    }
}
