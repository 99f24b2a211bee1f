//! One owner's rows on one network and their recent history, at the owner and at everybody else:
//! whoever has a stream can serve it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use weft_model::{Endpoint, EndpointId};

use crate::{Head, Presence, RowChange, Seal, StreamId, statement};

/// Whoever lags by more changes gets all rows instead.
pub(crate) const LOG: usize = 1024;
/// As does who lags by more changes than there are rows, and than these: that is hardly more to
/// tell, and every participant of a network keeps the history of every other one.
const SHORT: usize = 64;

/// One owner's rows on one network.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    head: Head,
    presence: Presence,
    /// Its owner's, under all of this as of `head`; absent at the owner itself until it is told.
    seal: Option<Seal>,
    /// By id.
    rows: Vec<Arc<Endpoint>>,
    /// Which row changed, and a version that is not before that change.
    log: VecDeque<(u64, EndpointId)>,
    /// The log holds every change after this version.
    log_from: u64,
}

/// What became of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The stream is further now; `rows`: and its rows are different.
    Advanced {
        /// Whether rows or the presence changed.
        rows: bool,
    },
    /// Nothing new.
    Known,
    /// Something is missing in between: ask for it.
    Gap,
}

impl Stream {
    /// Somebody who takes part, of whom nothing else is known.
    pub(crate) const fn unheard() -> Self {
        Self::at(Head { epoch: 0, version: 0 })
    }

    /// No rows yet, as of `head`.
    pub(crate) const fn at(head: Head) -> Self {
        Self {
            head,
            presence: Presence::Here,
            seal: None,
            rows: Vec::new(),
            log: VecDeque::new(),
            log_from: head.version,
        }
    }

    pub(crate) const fn head(&self) -> Head {
        self.head
    }

    pub(crate) const fn presence(&self) -> Presence {
        self.presence
    }

    pub(crate) const fn is_heard(&self) -> bool {
        self.head.epoch > 0
    }

    pub(crate) fn rows(&self) -> &[Arc<Endpoint>] {
        &self.rows
    }

    pub(crate) fn has(&self, id: EndpointId) -> bool {
        self.find(id).is_ok()
    }

    /// What its owner signs.
    pub(crate) fn statement(&self, id: StreamId) -> Vec<u8> {
        statement(id, self.head, self.presence, &self.rows)
    }

    pub(crate) const fn seal(&self) -> Option<Seal> {
        self.seal
    }

    /// It is good for this stream as it is now.
    pub(crate) const fn set_seal(&mut self, seal: Seal) {
        self.seal = Some(seal);
    }

    /// The owner's own change, as of `version`; false if it changes nothing.
    pub(crate) fn change(&mut self, version: u64, change: RowChange) -> bool {
        let id = change.id();
        let changed = self.set(change);
        if changed {
            self.go_to(version);
            self.note(version, id);
        }
        changed
    }

    /// The owner's presence, as of `version`. Who is not here has no rows.
    pub(crate) fn set_presence(&mut self, version: u64, presence: Presence) {
        self.go_to(version);
        self.presence = presence;
        if presence != Presence::Here {
            self.empty();
        }
    }

    /// Changes that lead from version `from` to `to` of the epoch.
    pub(crate) fn apply(
        &mut self,
        (epoch, from, to): (u64, u64, u64),
        presence: Presence,
        changes: Vec<RowChange>,
    ) -> Effect {
        if (Head { epoch, version: to }) <= self.head {
            return Effect::Known;
        }
        if epoch != self.head.epoch || from > self.head.version {
            return Effect::Gap;
        }
        let mut different = presence != self.presence;
        self.go_to(to);
        self.presence = presence;
        for change in changes {
            // What makes no difference here does to somebody who saw what lay between.
            self.note(to, change.id());
            different |= self.set(change);
        }
        if presence != Presence::Here {
            self.empty();
        }
        Effect::Advanced { rows: different }
    }

    /// All rows as of `head`.
    pub(crate) fn replace(
        &mut self,
        head: Head,
        presence: Presence,
        mut rows: Vec<Arc<Endpoint>>,
    ) -> Effect {
        if head <= self.head {
            return Effect::Known;
        }
        rows.sort_by_key(|row| row.id);
        rows.dedup_by_key(|row| row.id);
        let different = rows != self.rows || presence != self.presence;
        *self = Self { presence, rows, ..Self::at(head) };
        Effect::Advanced { rows: different }
    }

    /// What changed after version `have`, the newest state of each row; absent: that is forgotten.
    pub(crate) fn since(&self, have: u64) -> Option<Vec<RowChange>> {
        if have < self.log_from || have > self.head.version {
            return None;
        }
        let newer = self.log.iter().rev().take_while(|(version, _)| *version > have);
        let ids: BTreeSet<EndpointId> = newer.map(|(_, id)| *id).collect();
        let state = |id| match self.find(id) {
            Ok(at) => self.rows.get(at).map(|row| RowChange::Put(Arc::clone(row))),
            Err(_absent) => Some(RowChange::Remove(id)),
        };
        Some(ids.into_iter().filter_map(state).collect())
    }

    /// What was signed was signed as of the version before.
    const fn go_to(&mut self, version: u64) {
        self.head.version = version;
        self.seal = None;
    }

    fn find(&self, id: EndpointId) -> Result<usize, usize> {
        self.rows.binary_search_by_key(&id, |row| row.id)
    }

    fn set(&mut self, change: RowChange) -> bool {
        match (self.find(change.id()), change) {
            (Ok(at), RowChange::Put(row)) => self.rows.get_mut(at).is_some_and(|known| {
                let differs = *known != row;
                *known = row;
                differs
            }),
            (Err(at), RowChange::Put(row)) => {
                self.rows.insert(at, row);
                true
            }
            (Ok(at), RowChange::Remove(_)) => {
                self.rows.remove(at);
                true
            }
            (Err(_absent), RowChange::Remove(_)) => false,
        }
    }

    /// No history leads over the end of all rows.
    fn empty(&mut self) {
        self.rows = Vec::new();
        self.log = VecDeque::new();
        self.log_from = self.head.version;
    }

    fn note(&mut self, version: u64, id: EndpointId) {
        while self.log.len() >= self.rows.len().clamp(SHORT, LOG) {
            if let Some((version, _)) = self.log.pop_front() {
                self.log_from = version;
            }
        }
        self.log.push_back((version, id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::endpoint;

    fn put(id: u64) -> RowChange {
        RowChange::Put(Arc::new(endpoint(id)))
    }

    fn stream(version: u64) -> Stream {
        Stream::at(Head { epoch: 1, version })
    }

    #[test]
    fn only_the_newest_state_of_a_row_is_told() {
        let mut stream = stream(10);
        assert!(stream.change(11, put(1)));
        assert!(stream.change(13, put(2)));
        assert!(stream.change(14, RowChange::Remove(endpoint(1).id)));
        let changes = stream.since(10).unwrap();
        assert_eq!(changes, [RowChange::Remove(endpoint(1).id), put(2)]);
        assert_eq!(stream.since(14), Some(vec![]));
    }

    #[test]
    fn what_changes_nothing_has_no_version() {
        let mut stream = stream(1);
        assert!(stream.change(2, put(1)));
        assert!(!stream.change(3, put(1)));
        assert!(!stream.change(3, RowChange::Remove(endpoint(2).id)));
        assert_eq!(stream.head().version, 2);
    }

    #[test]
    fn history_is_bounded_and_says_so() {
        let mut stream = stream(0);
        for version in 1..=2000 {
            stream.change(version, put(version));
        }
        assert_eq!(stream.log.len(), LOG);
        assert_eq!(stream.since(2000 - 1024 - 1), None);
        assert_eq!(stream.since(2000 - 1024).map(|changes| changes.len()), Some(1024));
        assert_eq!(stream.since(2001), None);
    }

    #[test]
    fn history_is_not_much_longer_than_what_it_leads_to() {
        let mut stream = stream(0);
        for version in 1..=500_u64 {
            let id = version / 2 % 9;
            let there = version % 2 == 0;
            let change = if there { put(id) } else { RowChange::Remove(endpoint(id).id) };
            stream.change(version, change);
        }
        assert_eq!(stream.log.len(), SHORT);
        let head = stream.head().version;
        assert_eq!(stream.since(stream.log_from).map(|changes| changes.len()), Some(9));
        assert_eq!((stream.since(stream.log_from - 1), stream.since(head)), (None, Some(vec![])));
    }

    #[test]
    fn a_copy_serves_what_lies_between_versions_that_it_never_had() {
        let (mut owner, mut copy) = (stream(1), stream(1));
        for version in 2..=9 {
            owner.change(version, put(version));
        }
        let changes = owner.since(1).unwrap();
        let effect = copy.apply((1, 1, 9), Presence::Here, changes);
        assert_eq!(effect, Effect::Advanced { rows: true });
        // It cannot tell which changes came after 5, so it tells all of them.
        let mut lagging = stream(5);
        let from_copy = copy.since(5).unwrap();
        lagging.apply((1, 5, 9), Presence::Here, from_copy);
        assert_eq!(lagging.rows(), owner.rows());
    }

    #[test]
    fn a_copy_passes_on_the_end_of_a_row_that_it_never_saw() {
        let (mut owner, mut copy) = (stream(1), stream(1));
        owner.change(2, put(1));
        let mut other = owner.clone();
        owner.change(3, RowChange::Remove(endpoint(1).id));
        copy.apply((1, 1, 3), Presence::Here, owner.since(1).unwrap());
        other.apply((1, 2, 3), Presence::Here, copy.since(2).unwrap());
        assert_eq!((other.rows().len(), other.head()), (0, owner.head()));
    }

    #[test]
    fn who_left_has_no_rows_and_no_history() {
        let mut stream = stream(1);
        stream.change(2, put(1));
        stream.set_presence(3, Presence::Left);
        assert_eq!((stream.rows().len(), stream.since(2)), (0, None));
    }
}
