//! The store that somebody else keeps: an etcd of version 3.4 or newer, under a prefix of its own.
//!
//! Revisions are etcd's, moved so that they begin with the store: what others change in the same etcd
//! leaves gaps between ours. Etcd holds the leases, too, so they run while any of its members is up, whether or not
//! a manager is. When a lease runs out, its entries may be missing from a range some milliseconds before
//! the range's revision says so; a watch from there tells it once more.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Client, GetOptions, TxnOp, TxnOpResponse};
use futures::future::{BoxFuture, FutureExt};
use futures::stream::BoxStream;
use tokio::task::AbortHandle;
use weft_registry::{Change, Committed, Entry, LeaseId, Op, Revision, Snapshot, Txn};

mod access;
mod fault;
mod follow;
mod founding;
mod keyspace;
mod lease;
mod members;
mod tail;
mod transaction;

pub use access::{EtcdAccess, EtcdIdentity, EtcdTls};
pub use fault::EtcdFault;

use crate::{Store, StoreError};
use keyspace::{Keyspace, Scale};
use members::{Again, Answer, Members};
use tail::Tail;

/// So many entries are read at once.
const PAGE: i64 = 500;

/// A store in an etcd.
#[derive(Clone, Debug)]
pub struct Etcd(Arc<Handle>);

/// Changes are followed for as long as this lives.
#[derive(Debug)]
struct Handle {
    open: Arc<Open>,
    following: AbortHandle,
}

impl Handle {
    fn close(&self) {
        self.following.abort();
        self.open.tail.end(StoreError::Stopped { cause: "it was closed".into() });
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the store and the task that follows changes share.
#[derive(Debug)]
struct Open {
    members: Members,
    prefix: String,
    keys: Keyspace,
    scale: Scale,
    tail: Tail,
}

impl Etcd {
    /// Founds a store and opens it. It begins with the entries of `moved`, and all its revisions are
    /// later than the one of `moved`.
    ///
    /// # Errors
    ///
    /// [`EtcdFault::Taken`] if there is one already; otherwise what is wrong with etcd.
    pub async fn found(access: &EtcdAccess, moved: &Snapshot) -> Result<Self, StoreError> {
        access.check().map_err(EtcdFault::Settings)?;
        let members = Members::new(access).await?;
        founding::found(&members, &access.prefix, moved).await?;
        Self::begin(members, access).await
    }

    /// Opens a store that was founded.
    ///
    /// # Errors
    ///
    /// [`EtcdFault::Missing`] if it was not; otherwise what is wrong with etcd.
    pub async fn open(access: &EtcdAccess) -> Result<Self, StoreError> {
        access.check().map_err(EtcdFault::Settings)?;
        Self::begin(Members::new(access).await?, access).await
    }

    /// Ends all watches, and asks etcd nothing any more.
    pub fn close(&self) {
        self.0.close();
    }

    /// Removes a store, and all that is in it.
    ///
    /// # Errors
    ///
    /// What is wrong with etcd.
    pub async fn remove(access: &EtcdAccess) -> Result<(), StoreError> {
        access.check().map_err(EtcdFault::Settings)?;
        founding::remove(&Members::new(access).await?, &access.prefix).await
    }

    /// Takes the store out of use: nobody opens it any more, and whoever has it open changes nothing from now
    /// on. Its entries stay in etcd until a store is founded there again.
    ///
    /// # Errors
    ///
    /// [`EtcdFault::Taken`] if another one was founded there meanwhile; otherwise what is wrong with etcd.
    pub async fn retire(&self) -> Result<(), StoreError> {
        let open = &self.0.open;
        founding::retire(&open.members, &open.prefix, open.scale).await
    }

    async fn begin(members: Members, access: &EtcdAccess) -> Result<Self, StoreError> {
        let (scale, now) = founding::read(&members, &access.prefix).await?;
        let tail = Tail::new(scale.ours(now));
        let (prefix, keys) = (access.prefix.clone(), Keyspace::new(&access.prefix));
        let open = Arc::new(Open { members, prefix, keys, scale, tail });
        let following = tokio::spawn(follow::follow(Arc::clone(&open))).abort_handle();
        Ok(Self(Arc::new(Handle { open, following })))
    }
}

impl Open {
    async fn ask<T, F>(
        &self,
        again: Again,
        question: impl Fn(Client) -> F,
    ) -> Result<Answer<T>, StoreError>
    where
        F: Future<Output = Result<T, etcd_client::Error>> + Send,
    {
        self.tail.goes_on()?;
        self.members.ask(again, question).await
    }

    async fn commit(&self, txn: Txn) -> Result<Committed, StoreError> {
        let marked = self.will_change(&txn).await?;
        let request = transaction::request(&self.keys, self.scale, &txn, marked);
        let question = |mut client: Client| {
            let request = request.clone();
            async move { client.txn(request).await }
        };
        let answer = match self.ask(Again::MayNot, question).await? {
            Answer::Here(answer) if !answer.succeeded() => return Ok(Committed::Conflict),
            Answer::Here(answer) => answer,
            Answer::NoLease => return Err(self.missing_lease(&txn).await),
            Answer::Compacted => return Err(StoreError::Unsettled),
        };
        let revision = transaction::revision(&answer);
        let revision = revision.map_or(self.scale.first, |etcd| self.scale.ours(etcd));
        self.tail.reach(revision).await;
        Ok(Committed::Applied(revision))
    }

    /// Whether a transaction will change anything, as far as can be said before.
    async fn will_change(&self, txn: &Txn) -> Result<bool, StoreError> {
        let steps = transaction::steps(&txn.ops);
        if steps.iter().any(|op| matches!(op, Op::Put { .. })) {
            return Ok(true);
        }
        for op in steps {
            let key = self.keys.entry(transaction::key(op));
            let question = |mut client: Client| {
                let key = key.clone();
                let options = GetOptions::new().with_count_only();
                async move { client.get(key, Some(options)).await }
            };
            if let Answer::Here(found) = self.ask(Again::May, question).await?
                && found.count() > 0
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Etcd does not say which one.
    async fn missing_lease(&self, txn: &Txn) -> StoreError {
        let leases = transaction::leases(txn);
        for lease in &leases {
            let id = lease.0.cast_signed();
            let question =
                |mut client: Client| async move { client.lease_time_to_live(id, None).await };
            if let Ok(Answer::Here(left)) = self.ask(Again::May, question).await
                && left.ttl() < 0
            {
                return StoreError::NoSuchLease(*lease);
            }
        }
        leases.first().map_or(StoreError::Unsettled, |lease| StoreError::NoSuchLease(*lease))
    }

    async fn range(&self, prefix: &str) -> Result<Snapshot, StoreError> {
        loop {
            if let Some(snapshot) = self.range_once(prefix).await? {
                return Ok(snapshot);
            }
        }
    }

    /// Nothing, if etcd has forgotten meanwhile how it was when this began.
    async fn range_once(&self, prefix: &str) -> Result<Option<Snapshot>, StoreError> {
        let end = self.keys.end(prefix);
        let options = GetOptions::new().with_range(end.clone()).with_limit(PAGE);
        let is_founded = transaction::is_founded(&self.keys, self.scale);
        let first = etcd_client::Txn::new().when([is_founded]).and_then([
            TxnOp::get(self.keys.mark(), None),
            TxnOp::get(self.keys.entry(prefix), Some(options.clone())),
        ]);
        let question = |mut client: Client| {
            let first = first.clone();
            async move { client.txn(first).await }
        };
        let Answer::Here(answer) = self.ask(Again::May, question).await? else { return Ok(None) };
        if !answer.succeeded() {
            // What is done to the entries from now on is no change of this store.
            self.tail.end(EtcdFault::Replaced.into());
            return Err(EtcdFault::Replaced.into());
        }
        let at = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
        let mut answers = answer.op_responses().into_iter();
        let (Some(TxnOpResponse::Get(mark)), Some(TxnOpResponse::Get(mut page))) =
            (answers.next(), answers.next())
        else {
            return Err(EtcdFault::Refused("it answers something else".into()).into());
        };
        let mark = mark.kvs().first().map_or(0, etcd_client::KeyValue::mod_revision);
        let mut entries = self.entries(&page);
        while page.more() {
            let Some(last) = page.kvs().last() else { break };
            let from = [last.key(), &[0]].concat();
            let options = options.clone().with_revision(at);
            let question = |mut client: Client| {
                let (from, options) = (from.clone(), options.clone());
                async move { client.get(from, Some(options)).await }
            };
            let Answer::Here(next) = self.ask(Again::May, question).await? else {
                return Ok(None);
            };
            page = next;
            entries.extend(self.entries(&page));
        }
        Ok(Some(Snapshot { revision: self.revision(mark, at, &entries), entries }))
    }

    fn entries(&self, page: &etcd_client::GetResponse) -> Vec<Entry> {
        let entry = |found: &etcd_client::KeyValue| {
            let key = self.keys.name(found.key())?;
            let modified = self.scale.ours(found.mod_revision());
            Some(Entry { key, value: found.value().to_vec(), modified })
        };
        page.kvs().iter().filter_map(entry).collect()
    }

    /// The last revision at which anything of this store was changed, as of etcd's revision `at`.
    fn revision(&self, mark: i64, at: i64, entries: &[Entry]) -> Revision {
        let told = Some(self.tail.revision()).filter(|told| *told <= self.scale.ours(at));
        let put = entries.iter().map(|entry| entry.modified).max();
        let marked = (mark > 0).then(|| self.scale.ours(mark));
        [told, put, marked].into_iter().flatten().fold(self.scale.first, Revision::max)
    }
}

impl Store for Etcd {
    fn range<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Snapshot, StoreError>> {
        self.0.open.range(prefix).boxed()
    }

    fn commit(&self, txn: Txn) -> BoxFuture<'_, Result<Committed, StoreError>> {
        self.0.open.commit(txn).boxed()
    }

    fn watch(
        &self,
        prefix: &str,
        after: Revision,
    ) -> Result<BoxStream<'static, Result<Change, StoreError>>, StoreError> {
        self.0.open.tail.watch(prefix, after)
    }

    fn grant(&self, ttl: Duration) -> BoxFuture<'_, Result<LeaseId, StoreError>> {
        self.0.open.grant(ttl).boxed()
    }

    fn keep_alive(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.open.keep_alive(lease).boxed()
    }

    fn revoke(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.open.revoke(lease).boxed()
    }
}
