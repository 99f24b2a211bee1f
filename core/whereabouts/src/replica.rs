//! The receiver's side: one other node's rows on one network, as far as they are known.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use weft_model::{Endpoint, EndpointId};

use crate::RowChange;

/// An answer is awaited for this long before the question is asked again.
const PATIENCE: Duration = Duration::from_millis(250);

/// Another node's rows on one network.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    state: State,
    rows: BTreeMap<EndpointId, Endpoint>,
    asked: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The rows, if any, are of an earlier epoch; a snapshot older than `floor` is from before the
    /// owner, or this node, last left the network.
    Awaiting { floor: u64 },
    /// The rows are those of version `seen`.
    Current { seen: u64 },
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Rows are different now.
    Changed,
    /// The message brought nothing.
    Unchanged,
    /// Something is missing in between: ask for it.
    Gap,
}

impl Replica {
    /// No rows; none older than `floor` will be taken.
    pub(crate) const fn new(floor: u64) -> Self {
        Self { state: State::Awaiting { floor }, rows: BTreeMap::new(), asked: None }
    }

    pub(crate) const fn rows(&self) -> &BTreeMap<EndpointId, Endpoint> {
        &self.rows
    }

    /// The version to name in a request.
    pub(crate) const fn have(&self) -> u64 {
        match self.state {
            State::Awaiting { .. } => 0,
            State::Current { seen } => seen,
        }
    }

    /// Whether the owner has said what there is, in this run or in an earlier one.
    pub(crate) fn is_heard(&self) -> bool {
        self.have() > 0 || !self.rows.is_empty()
    }

    /// Whether the owner's `version` is news.
    pub(crate) const fn lacks(&self, version: u64) -> bool {
        match self.state {
            State::Awaiting { .. } => true,
            State::Current { seen } => version > seen,
        }
    }

    /// Replaces all rows.
    pub(crate) fn replace(&mut self, version: u64, rows: Vec<Endpoint>) -> Effect {
        let old = match self.state {
            State::Awaiting { floor } => version < floor,
            State::Current { seen } => version <= seen,
        };
        if old {
            return Effect::Unchanged;
        }
        let rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
        let changed = rows != self.rows;
        self.rows = rows;
        self.advance(version);
        if changed { Effect::Changed } else { Effect::Unchanged }
    }

    /// Takes the changes that lead from one version to another.
    pub(crate) fn apply(&mut self, from: u64, to: u64, changes: Vec<RowChange>) -> Effect {
        let State::Current { seen } = self.state else { return Effect::Gap };
        if to <= seen {
            return Effect::Unchanged;
        }
        if from > seen {
            return Effect::Gap;
        }
        for change in changes {
            match change {
                RowChange::Put(endpoint) => drop(self.rows.insert(endpoint.id, endpoint)),
                RowChange::Remove(id) => drop(self.rows.remove(&id)),
            }
        }
        self.advance(to);
        Effect::Changed
    }

    /// The owner restarted: the rows stay until it says what there is now.
    pub(crate) const fn outdate(&mut self) {
        self.state = State::Awaiting { floor: 0 };
        self.asked = None;
    }

    /// This node left the network: rows are dropped, and older ones are not taken again.
    pub(crate) fn clear(&mut self) {
        if let State::Current { seen } = self.state {
            self.state = State::Awaiting { floor: seen };
        }
        self.rows.clear();
        self.asked = None;
    }

    /// Whether to ask now; not while an answer to an earlier question is on its way.
    pub(crate) fn ask(&mut self, now: Instant) -> bool {
        let ask = self.asked.is_none_or(|asked| now >= asked + PATIENCE);
        if ask {
            self.asked = Some(now);
        }
        ask
    }

    const fn advance(&mut self, version: u64) {
        self.state = State::Current { seen: version };
        self.asked = None;
    }
}
