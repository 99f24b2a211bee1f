//! A transaction of ours as one of etcd's.

use std::collections::BTreeMap;

use etcd_client::{
    Compare, CompareOp, PutOptions, Txn as Request, TxnOp, TxnOpResponse, TxnResponse,
};
use weft_registry::{Condition, LeaseId, Op, Txn};

use super::keyspace::{Keyspace, Scale};

/// So many steps or conditions a transaction of etcd may have, unless it was told otherwise; one within
/// another has what the outer ones leave. `checkTxnRequest` in etcd's `api/v3rpc/key.go`.
const MOST: usize = 128;
/// Steps beyond these go into inner transactions.
const OUTER: usize = 64;
/// The mark: one step that puts it, one that gets it.
const MARK: usize = 2;

/// The steps that count: etcd takes one a key, so of several about the same key the last.
pub(super) fn steps(ops: &[Op]) -> Vec<&Op> {
    let last: BTreeMap<&str, usize> =
        ops.iter().enumerate().map(|(at, op)| (key(op), at)).collect();
    let counts = |(at, op): &(usize, &Op)| last.get(key(op)) == Some(at);
    ops.iter().enumerate().filter(counts).map(|(_at, op)| op).collect()
}

/// What is put and deleted.
pub(super) fn key(op: &Op) -> &str {
    match op {
        Op::Put { key, .. } | Op::Delete { key } => key,
    }
}

/// The leases that it needs.
pub(super) fn leases(txn: &Txn) -> Vec<LeaseId> {
    let needed = txn.ops.iter().filter_map(|op| match op {
        Op::Put { lease, .. } => *lease,
        Op::Delete { .. } => None,
    });
    needed.collect()
}

/// The same for etcd, as long as it is the store that was opened. Its last step gets the mark; before that
/// the mark is put, if `marked`.
pub(super) fn request(keys: &Keyspace, scale: Scale, txn: &Txn, marked: bool) -> Request {
    let conditions = txn.conditions.iter().map(|condition| compare(keys, scale, condition));
    let compares: Vec<Compare> = conditions.chain([is_founded(keys, scale)]).collect();
    let steps: Vec<TxnOp> = steps(&txn.ops).into_iter().map(|op| step(keys, op)).collect();
    let mut ops = if steps.len() + MARK <= MOST {
        steps
    } else {
        let inner = MOST.saturating_sub(compares.len().max(OUTER)).max(1);
        steps.chunks(inner).map(|some| TxnOp::txn(Request::new().and_then(some))).collect()
    };
    if marked {
        ops.push(TxnOp::put(keys.mark(), "", None));
    }
    ops.push(TxnOp::get(keys.mark(), None));
    Request::new().when(compares).and_then(ops)
}

/// Whether a store is there, and the same as when it was opened.
pub(super) fn is_founded(keys: &Keyspace, scale: Scale) -> Compare {
    Compare::create_revision(keys.founded(), CompareOp::Equal, scale.founded)
}

fn compare(keys: &Keyspace, scale: Scale, condition: &Condition) -> Compare {
    match condition {
        Condition::Absent(key) => Compare::create_revision(keys.entry(key), CompareOp::Equal, 0),
        Condition::Present(key) => Compare::create_revision(keys.entry(key), CompareOp::Greater, 0),
        Condition::Unchanged { key, modified } => {
            Compare::mod_revision(keys.entry(key), CompareOp::Equal, scale.etcds(*modified))
        }
    }
}

fn step(keys: &Keyspace, op: &Op) -> TxnOp {
    match op {
        Op::Put { key, value, lease } => {
            let under = |lease: LeaseId| PutOptions::new().with_lease(lease.0.cast_signed());
            TxnOp::put(keys.entry(key), value.clone(), lease.map(under))
        }
        Op::Delete { key } => TxnOp::delete(keys.entry(key), None),
    }
}

/// Etcd's revision of the last change: of this one, if it has changed anything.
pub(super) fn revision(answer: &TxnResponse) -> Option<i64> {
    if changed(&answer.op_responses()) {
        return answer.header().map(etcd_client::ResponseHeader::revision);
    }
    let mark = answer.op_responses().pop();
    let Some(TxnOpResponse::Get(mark)) = mark else { return None };
    mark.kvs().first().map(etcd_client::KeyValue::mod_revision)
}

fn changed(answers: &[TxnOpResponse]) -> bool {
    answers.iter().any(|answer| match answer {
        TxnOpResponse::Put(_) => true,
        TxnOpResponse::Delete(deleted) => deleted.deleted() > 0,
        TxnOpResponse::Txn(inner) => changed(&inner.op_responses()),
        TxnOpResponse::Get(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_steps_about_a_key_the_last_counts() {
        let put = |key: &str| Op::Put { key: key.into(), value: vec![], lease: None };
        let delete = |key: &str| Op::Delete { key: key.into() };
        let ops = [put("/a"), put("/b"), delete("/a"), put("/c"), put("/b")];
        assert_eq!(steps(&ops), [&delete("/a"), &put("/c"), &put("/b")]);
    }
}
