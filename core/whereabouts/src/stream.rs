//! The owner's side: this node's rows on one network and their recent history.

use std::collections::{BTreeMap, VecDeque};

use weft_model::{Endpoint, EndpointId};

use crate::RowChange;

/// Whoever lags by more changes gets all rows instead.
pub(crate) const LOG: usize = 1024;

/// This node's rows on one network.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    version: u64,
    rows: BTreeMap<EndpointId, Endpoint>,
    log: VecDeque<(u64, RowChange)>,
    /// The log holds every change after this version.
    log_from: u64,
}

impl Stream {
    /// No rows yet, as of `version`.
    pub(crate) const fn new(version: u64) -> Self {
        Self { version, rows: BTreeMap::new(), log: VecDeque::new(), log_from: version }
    }

    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    pub(crate) const fn rows(&self) -> &BTreeMap<EndpointId, Endpoint> {
        &self.rows
    }

    /// Makes `change` the change of `version`; false if it changes nothing.
    pub(crate) fn change(&mut self, version: u64, change: RowChange) -> bool {
        let changed = match &change {
            RowChange::Put(endpoint) => {
                self.rows.insert(endpoint.id, endpoint.clone()).as_ref() != Some(endpoint)
            }
            RowChange::Remove(id) => self.rows.remove(id).is_some(),
        };
        if changed {
            self.version = version;
            self.log.push_back((version, change));
            self.shorten();
        }
        changed
    }

    /// What changed after version `have`, the newest change a row; absent if that is forgotten.
    pub(crate) fn since(&self, have: u64) -> Option<Vec<RowChange>> {
        if have < self.log_from || have > self.version {
            return None;
        }
        let newer = self.log.iter().filter(|(version, _)| *version > have);
        let newest: BTreeMap<_, _> = newer.map(|(_, change)| (change.id(), change)).collect();
        Some(newest.into_values().cloned().collect())
    }

    fn shorten(&mut self) {
        while self.log.len() > LOG {
            if let Some((version, _)) = self.log.pop_front() {
                self.log_from = version;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::endpoint;

    #[test]
    fn only_the_newest_change_of_a_row_is_told() {
        let mut stream = Stream::new(10);
        assert!(stream.change(11, RowChange::Put(endpoint(1))));
        assert!(stream.change(13, RowChange::Put(endpoint(2))));
        assert!(stream.change(14, RowChange::Remove(endpoint(1).id)));
        let changes = stream.since(10).unwrap();
        assert_eq!(changes, [RowChange::Remove(endpoint(1).id), RowChange::Put(endpoint(2))]);
        assert_eq!(stream.since(14), Some(vec![]));
    }

    #[test]
    fn what_changes_nothing_has_no_version() {
        let mut stream = Stream::new(1);
        assert!(stream.change(2, RowChange::Put(endpoint(1))));
        assert!(!stream.change(3, RowChange::Put(endpoint(1))));
        assert!(!stream.change(3, RowChange::Remove(endpoint(2).id)));
        assert_eq!(stream.version(), 2);
    }

    #[test]
    fn history_is_bounded_and_says_so() {
        let mut stream = Stream::new(0);
        for version in 1..=2000 {
            stream.change(version, RowChange::Put(endpoint(u128::from(version))));
        }
        assert_eq!(stream.log.len(), LOG);
        assert_eq!(stream.since(2000 - 1024 - 1), None);
        assert_eq!(stream.since(2000 - 1024).map(|changes| changes.len()), Some(1024));
        assert_eq!(stream.since(2001), None);
    }
}
