//! Each entry's values along the revisions.

use std::collections::BTreeMap;

use crate::{Change, Revision, Seen};

/// What every entry was at every revision.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// Ordered by revision.
    entries: BTreeMap<&'a str, Vec<Seen>>,
}

impl<'a> Line<'a> {
    pub(super) fn new(changes: &'a [Change]) -> Self {
        let mut entries: BTreeMap<&str, Vec<Seen>> = BTreeMap::new();
        for change in changes {
            let seen = Seen { value: change.value, modified: change.revision };
            entries.entry(&change.key).or_default().push(seen);
        }
        for seen in entries.values_mut() {
            seen.sort_by_key(|seen| seen.modified);
        }
        Self { entries }
    }

    /// What an entry was at a revision.
    pub(super) fn at(&self, key: &str, revision: Revision) -> Option<Seen> {
        let seen = self.entries.get(key)?;
        let later = seen.partition_point(|seen| seen.modified <= revision);
        seen.get(later.checked_sub(1)?).copied()
    }

    /// Whether an entry was put after `from`, and `to` at the latest.
    pub(super) fn changes_within(&self, key: &str, from: Revision, to: Revision) -> bool {
        let Some(seen) = self.entries.get(key) else { return false };
        let next = seen.partition_point(|seen| seen.modified <= from);
        seen.get(next).is_some_and(|seen| seen.modified <= to)
    }

    /// What is left of every entry.
    pub(super) fn last(&self) -> impl Iterator<Item = (&'a str, Seen)> {
        self.entries.iter().filter_map(|(key, seen)| Some((*key, *seen.last()?)))
    }
}
