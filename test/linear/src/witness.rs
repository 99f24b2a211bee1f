//! The store's own revisions as the witness: is there any contradiction to the order they tell?
//!
//! With the whole stream of changes known, five things are looked at: each read shows what was there at its
//! revision; what was asked later is not older; writes are done once, when they were
//! acknowledged, or at most once when they were not; watches tell everything in order; and
//! nothing acknowledged is missing at the end.

mod line;
mod told;
mod window;
mod writes;

use crate::{Call, Expect, History, Operation, Outcome, Violation};
use line::Line;
use window::Windows;

/// All contradictions; none if the history is linearizable in the order of its revisions.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let line = Line::new(&history.changes);
    let windows = Windows::new(&history.operations);
    let mut found = told::check(history, &line);
    found.extend(writes::check(history, &windows));
    for operation in &history.operations {
        found.extend(read(operation, &line));
        found.extend(order(operation, &windows));
        found.extend(condition(operation, &line, &windows));
    }
    found
}

/// A read shows what was there at its revision.
fn read(operation: &Operation, line: &Line<'_>) -> Option<Violation> {
    let Outcome::Read { revision, found } = operation.outcome else { return None };
    let there = line.at(&operation.key, revision);
    (there != found).then(|| Violation::WrongRead {
        operation: operation.clone(),
        revision,
        expected: there.map(|seen| seen.value),
    })
}

/// Who asks after an answer has come is told nothing older; a write, something newer.
fn order(operation: &Operation, windows: &Windows) -> Option<Violation> {
    let revision = operation.revision()?;
    let earlier = windows.before(operation)?;
    let writes = matches!(operation.outcome, Outcome::Applied(_));
    let fine = if writes { earlier < revision } else { earlier <= revision };
    (!fine).then(|| Violation::Stale { operation: operation.clone(), earlier })
}

/// A condition held when the write was done; and there was a moment when it did not, if it failed.
fn condition(operation: &Operation, line: &Line<'_>, windows: &Windows) -> Option<Violation> {
    let Call::Put { expect: Expect::Unchanged(expected), .. } = operation.call else { return None };
    match operation.outcome {
        Outcome::Applied(revision) => {
            let before = line.at(&operation.key, revision.saturating_sub(1));
            (before != expected).then(|| Violation::AgainstCondition(operation.clone()))
        }
        Outcome::Conflict => {
            let from = windows.before(operation).unwrap_or(0);
            let held = line.at(&operation.key, from) == expected
                && !line.changes_within(&operation.key, from, windows.after(operation));
            held.then(|| Violation::ConflictWithoutCause(operation.clone()))
        }
        Outcome::Read { .. } | Outcome::Refused | Outcome::Unknown => None,
    }
}
