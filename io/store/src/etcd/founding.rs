//! What says that a store is there, and since when.

use etcd_client::{Compare, CompareOp, DeleteOptions, PutOptions, Txn, TxnOp};
use serde::{Deserialize, Serialize};
use weft_registry::{Revision, Snapshot};

use super::fault::EtcdFault;
use super::keyspace::{Keyspace, Scale};
use super::members::{Again, Answer, Members};
use super::transaction::is_founded;
use crate::StoreError;

/// The layout that this version reads and writes.
const FORMAT: u64 = 1;
/// So many entries are brought along in one request.
const TOGETHER: usize = 64;

/// The record of a store's founding; when etcd put it is the beginning of its revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Founding {
    format: u64,
    /// The store's revision at that moment: above 0 if it was moved here.
    first: Revision,
}

/// Founds a store that begins with the entries of another one, if there is none under the prefix.
///
/// Until its last step nobody takes it for a store; what an earlier attempt has left is removed.
pub(super) async fn found(
    members: &Members,
    prefix: &str,
    moved: &Snapshot,
) -> Result<(), StoreError> {
    // An etcd that does not answer is told before anything is begun.
    match read(members, prefix).await {
        Err(StoreError::Etcd(EtcdFault::Missing(_))) => {}
        Ok(_founded) => return Err(EtcdFault::Taken(prefix.to_owned()).into()),
        Err(error) => return Err(error),
    }
    let keys = Keyspace::new(prefix);
    let all = DeleteOptions::new().with_range(keys.end(""));
    unfounded(members, prefix, vec![TxnOp::delete(keys.entry(""), Some(all))]).await?;
    let batches = moved.entries.chunks(TOGETHER);
    // Whoever knows a revision of the old store must never take one of the new for older.
    let first = if moved.revision == 0 && moved.entries.is_empty() {
        0
    } else {
        moved.revision + 1 + batches.len() as u64
    };
    for batch in batches {
        let puts = batch.iter().map(|entry| {
            TxnOp::put(keys.entry(&entry.key), entry.value.clone(), None::<PutOptions>)
        });
        unfounded(members, prefix, puts.collect()).await?;
    }
    let record = serde_json::to_vec(&Founding { format: FORMAT, first });
    let record = record.map_err(|error| EtcdFault::Refused(error.to_string()))?;
    unfounded(members, prefix, vec![TxnOp::put(keys.founded(), record, None)]).await
}

/// Removes all keys of a store, in one step.
pub(super) async fn remove(members: &Members, prefix: &str) -> Result<(), StoreError> {
    let keys = Keyspace::new(prefix);
    let all = DeleteOptions::new().with_range(keys.end(""));
    let txn = Txn::new().and_then([
        TxnOp::delete(keys.founded(), None),
        TxnOp::delete(keys.mark(), None),
        TxnOp::delete(keys.entry(""), Some(all)),
    ]);
    let question = |mut client: etcd_client::Client| {
        let txn = txn.clone();
        async move { client.txn(txn).await }
    };
    match members.ask(Again::May, question).await? {
        Answer::Here(_removed) => Ok(()),
        Answer::NoLease | Answer::Compacted => Err(StoreError::Unsettled),
    }
}

/// Takes a store's founding back: nothing under the prefix is a store then.
pub(super) async fn retire(
    members: &Members,
    prefix: &str,
    scale: Scale,
) -> Result<(), StoreError> {
    let keys = Keyspace::new(prefix);
    let own = [is_founded(&keys, scale)];
    let txn = Txn::new().when(own).and_then([TxnOp::delete(keys.founded(), None)]);
    let question = |mut client: etcd_client::Client| {
        let txn = txn.clone();
        async move { client.txn(txn).await }
    };
    members.ask(Again::May, question).await?;
    match read(members, prefix).await {
        Err(StoreError::Etcd(EtcdFault::Missing(_))) => Ok(()),
        Ok(_another) => Err(EtcdFault::Taken(prefix.to_owned()).into()),
        Err(error) => Err(error),
    }
}

/// Does something as long as nobody has founded a store there.
async fn unfounded(members: &Members, prefix: &str, ops: Vec<TxnOp>) -> Result<(), StoreError> {
    let absent = Compare::create_revision(Keyspace::new(prefix).founded(), CompareOp::Equal, 0);
    let txn = Txn::new().when([absent]).and_then(ops);
    let question = |mut client: etcd_client::Client| {
        let txn = txn.clone();
        async move { client.txn(txn).await }
    };
    match members.ask(Again::MayNot, question).await? {
        Answer::Here(answer) if answer.succeeded() => Ok(()),
        Answer::Here(_taken) => Err(EtcdFault::Taken(prefix.to_owned()).into()),
        Answer::NoLease | Answer::Compacted => Err(StoreError::Unsettled),
    }
}

/// How the revisions of a store that was founded relate to etcd's, and etcd's revision now.
pub(super) async fn read(members: &Members, prefix: &str) -> Result<(Scale, i64), StoreError> {
    let keys = Keyspace::new(prefix);
    let question = |mut client: etcd_client::Client| {
        let key = keys.founded();
        async move { client.get(key, None).await }
    };
    let Answer::Here(answer) = members.ask(Again::May, question).await? else {
        return Err(StoreError::Unsettled);
    };
    let now = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
    let missing = || EtcdFault::Missing(prefix.to_owned());
    let record = answer.kvs().first().ok_or_else(missing)?;
    let founding: Founding = serde_json::from_slice(record.value())
        .map_err(|error| EtcdFault::Refused(format!("{prefix}!founded: {error}")))?;
    if founding.format != FORMAT {
        let (prefix, found) = (prefix.to_owned(), founding.format);
        return Err(EtcdFault::Format { prefix, found, known: FORMAT }.into());
    }
    Ok((Scale { founded: record.create_revision(), first: founding.first }, now))
}
