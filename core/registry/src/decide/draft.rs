//! A transaction in the making.

use serde::Serialize;

use crate::{Condition, Decision, Key, Op, Outcome, Txn, View};

/// Gathers conditions and steps.
///
/// Counters are put last: whoever has seen the counter has seen everything that it counts.
pub(super) struct Draft<'a> {
    view: &'a View,
    txn: Txn,
    counters: Vec<Op>,
}

impl<'a> Draft<'a> {
    pub(super) const fn new(view: &'a View) -> Self {
        let txn = Txn { conditions: Vec::new(), ops: Vec::new() };
        Self { view, txn, counters: Vec::new() }
    }

    /// The entry, or its absence, must be what the decision was made from.
    pub(super) fn unchanged(mut self, key: &Key) -> Self {
        self.txn.conditions.push(self.view.unchanged(key));
        self
    }

    pub(super) fn absent(mut self, key: &Key) -> Self {
        self.txn.conditions.push(Condition::Absent(key.to_string()));
        self
    }

    pub(super) fn present(mut self, key: &Key) -> Self {
        self.txn.conditions.push(Condition::Present(key.to_string()));
        self
    }

    pub(super) fn put(mut self, key: &Key, value: &impl Serialize) -> Self {
        self.txn.ops.push(put(key, value));
        self
    }

    pub(super) fn delete(mut self, key: &Key) -> Self {
        self.txn.ops.push(Op::Delete { key: key.to_string() });
        self
    }

    /// Nothing else that counts here has been committed meanwhile, and this will be seen to have been.
    pub(super) fn count(mut self, counter: &Key) -> Self {
        self.counters.push(put(counter, &self.view.next(counter)));
        self.unchanged(counter)
    }

    pub(super) fn decided(self, outcome: Outcome) -> Decision {
        let Self { mut txn, counters, .. } = self;
        txn.ops.extend(counters);
        Decision { txn, outcome }
    }
}

/// Nothing has to change: it is as wanted already.
pub(super) fn already(outcome: Outcome) -> Decision {
    Decision { txn: Txn::default(), outcome }
}

fn put(key: &Key, value: &impl Serialize) -> Op {
    #[expect(
        clippy::expect_used,
        reason = "records are structs, strings and numbers, no maps with other keys"
    )]
    let value = serde_json::to_vec(value).expect("a record has a JSON form");
    Op::Put { key: key.to_string(), value, lease: None }
}
