//! Transactions and ranges.

use futures::future::join_all;
use weft_registry::{Committed, Condition, Revision, Txn};

use super::{commit, commit_if, delete, entries, keys, put, same};
use crate::Store;

pub(super) async fn check<S: Store>(open: &impl AsyncFn() -> S) {
    revisions_grow_by_one(&open().await).await;
    what_changes_nothing_takes_no_revision(&open().await).await;
    conditions_decide(&open().await).await;
    a_transaction_is_done_entirely_or_not_at_all(&open().await).await;
    a_range_is_what_begins_with_the_prefix(&open().await).await;
    later_steps_see_earlier_ones(&open().await).await;
    check_many_writers(open).await;
}

async fn check_many_writers<S: Store>(open: &impl AsyncFn() -> S) {
    of_many_writers_each_round_has_one_winner(&open().await).await;
    of_many_writers_every_commit_counts(&open().await).await;
}

async fn revisions_grow_by_one(store: &impl Store) {
    same(&store.range("").await.unwrap().revision, &0, "a new store is at revision 0");
    for expected in 1..=5 {
        let revision = commit(store, &[put("/a", "1"), put("/b", "2")]).await;
        same(&revision, &expected, "each commit makes the revision larger by one");
    }
    let snapshot = store.range("/a").await.unwrap();
    same(&snapshot.revision, &5, "a range tells the store's revision");
    let modified: Vec<_> = snapshot.entries.iter().map(|entry| entry.modified).collect();
    same(&modified, &vec![5], "an entry tells when it was put");
}

async fn what_changes_nothing_takes_no_revision(store: &impl Store) {
    commit(store, &[put("/a", "1")]).await;
    same(&commit(store, &[]).await, &1, "no step, no revision");
    same(&commit(store, &[delete("/b")]).await, &1, "nothing deleted, no revision");
}

async fn conditions_decide(store: &impl Store) {
    commit(store, &[put("/a", "1")]).await;
    commit(store, &[put("/a", "2")]).await;
    let unchanged =
        |key: &str, modified: Revision| Condition::Unchanged { key: key.into(), modified };
    let cases = [
        (Condition::Absent("/a".into()), false),
        (Condition::Absent("/b".into()), true),
        (Condition::Present("/a".into()), true),
        (Condition::Present("/b".into()), false),
        (unchanged("/a", 1), false),
        (unchanged("/a", 2), true),
        (unchanged("/b", 0), false),
    ];
    for (condition, holds) in cases {
        let committed = commit_if(store, std::slice::from_ref(&condition), &[]).await;
        let expected = if holds { Committed::Applied(2) } else { Committed::Conflict };
        same(&committed, &expected, &format!("{condition:?}"));
    }
}

async fn a_transaction_is_done_entirely_or_not_at_all(store: &impl Store) {
    let conditions = [Condition::Absent("/a".into()), Condition::Present("/b".into())];
    let committed = commit_if(store, &conditions, &[put("/a", "1"), put("/c", "1")]).await;
    same(&committed, &Committed::Conflict, "one condition fails them all");
    same(&keys(store, "").await, &Vec::new(), "a conflict leaves nothing behind");
    let lost = weft_registry::LeaseId(77);
    let ops = vec![put("/a", "1"), super::put_under(lost, "/b")];
    let refused = store.commit(Txn { conditions: Vec::new(), ops }).await;
    same(&refused, &Err(crate::StoreError::NoSuchLease(lost)), "an unknown lease is refused");
    same(&keys(store, "").await, &Vec::new(), "a refusal leaves nothing behind");
}

async fn a_range_is_what_begins_with_the_prefix(store: &impl Store) {
    let ops = ["/b", "/a/2", "/a/1", "/a", "/ab"].map(|key| put(key, key));
    commit(store, &ops).await;
    same(&keys(store, "/a/").await, &["/a/1", "/a/2"].map(String::from).to_vec(), "in order");
    same(&keys(store, "/a").await.len(), &4, "a prefix is text, not a folder");
    same(&keys(store, "").await.len(), &5, "the empty prefix is everything");
    same(&keys(store, "/c").await.len(), &0, "nothing else");
    let values: Vec<_> = entries(store, "/b").await.into_iter().map(|entry| entry.value).collect();
    same(&values, &vec![b"/b".to_vec()], "values come back as they were put");
}

async fn later_steps_see_earlier_ones(store: &impl Store) {
    commit(store, &[put("/a", "1"), delete("/a"), put("/b", "1"), put("/b", "2")]).await;
    let found = entries(store, "").await;
    let found: Vec<_> = found.iter().map(|e| (e.key.as_str(), e.value.as_slice())).collect();
    same(&found, &vec![("/b", b"2".as_slice())], "the last step about a key counts");
}

async fn of_many_writers_each_round_has_one_winner(store: &impl Store) {
    for round in 0..8 {
        let key = format!("/round/{round}");
        let conditions = [Condition::Absent(key.clone())];
        let ops = [put(&key, "mine")];
        let race = (0..16).map(|_| commit_if(store, &conditions, &ops));
        let won = join_all(race).await.into_iter().filter(|c| *c != Committed::Conflict).count();
        same(&won, &1, "of those that want the same, one wins");
    }
}

async fn of_many_writers_every_commit_counts(store: &impl Store) {
    let writers = (0..20).map(|writer| async move {
        let mut revisions = Vec::new();
        for turn in 0..20 {
            revisions.push(commit(store, &[put(&format!("/{writer}/{turn}"), "x")]).await);
        }
        assert!(revisions.is_sorted(), "a later commit has a later revision");
        revisions
    });
    let mut revisions = join_all(writers).await.concat();
    revisions.sort_unstable();
    same(&revisions, &(1..=400).collect(), "no revision is given twice or left out");
    same(&keys(store, "").await.len(), &400, "every commit is there");
}
