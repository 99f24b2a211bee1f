//! What watches tell, and what is left.

use std::collections::BTreeMap;

use super::line::Line;
use crate::{Change, History, Value, Violation, Watch};

pub(super) fn check(history: &History, line: &Line<'_>) -> Vec<Violation> {
    let mut found = backwards(&history.changes);
    for (number, watch) in history.watches.iter().enumerate() {
        found.extend(backwards(&watch.changes));
        found.extend(gap(number, watch, &history.changes));
    }
    found.extend(ending(history, line));
    found
}

fn backwards(changes: &[Change]) -> Vec<Violation> {
    let pairs = changes.iter().zip(changes.iter().skip(1));
    let wrong = pairs.filter(|(now, then)| then.revision < now.revision);
    wrong
        .map(|(now, then)| Violation::Backwards { now: now.revision, then: then.revision })
        .collect()
}

/// A watch tells what happened, change by change; it may end at any time.
fn gap(number: usize, watch: &Watch, changes: &[Change]) -> Option<Violation> {
    let mut happened = changes.iter().filter(|change| change.revision > watch.after);
    for told in &watch.changes {
        let next = happened.next();
        if next != Some(told) {
            let (told, happened) = (Some(told.clone()), next.cloned());
            return Some(Violation::Watch { watch: number, told, happened });
        }
    }
    None
}

fn ending(history: &History, line: &Line<'_>) -> Vec<Violation> {
    let made: BTreeMap<&str, Value> = line.last().map(|(key, seen)| (key, seen.value)).collect();
    let left = history.ending.entries.iter().map(|(key, seen)| (key.as_str(), seen.value));
    let left: BTreeMap<&str, Value> = left.collect();
    let keys = made.keys().chain(left.keys().filter(|key| !made.contains_key(*key)));
    let differs = |key: &&&str| made.get(**key) != left.get(**key);
    keys.filter(differs)
        .map(|key| Violation::Ending {
            key: (*key).to_owned(),
            left: left.get(key).copied(),
            made: made.get(key).copied(),
        })
        .collect()
}
