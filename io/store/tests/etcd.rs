//! A store in a real etcd.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    clippy::print_stderr,
    dead_code,
    reason = "integration tests"
)]

mod common;

use std::cell::RefCell;
use std::time::Duration;

use common::etcds::Etcds;
use common::managers::until;
use common::put;
use futures::stream::StreamExt;
use tokio::time::Instant;
use weft_registry::{Change, Committed, Condition, Op, Snapshot, Txn};
use weft_store::contract::{self, Clock};
use weft_store::{Etcd, EtcdAccess, EtcdFault, EtcdTls, Memory, Store, StoreError};

/// Founds a store once etcd answers.
async fn found(access: &EtcdAccess) -> Etcd {
    let mut founded = None;
    until("etcd answers", async || {
        match Etcd::found(access, &Snapshot::default()).await {
            Ok(etcd) => founded = Some(etcd),
            Err(StoreError::Unsettled | StoreError::Etcd(EtcdFault::Away(_))) => {}
            Err(StoreError::Etcd(EtcdFault::Taken(_))) => {
                founded = Some(Etcd::open(access).await.unwrap());
            }
            Err(other) => panic!("{other}"),
        }
        founded.is_some()
    })
    .await;
    founded.unwrap()
}

#[tokio::test]
async fn one_etcd_keeps_every_promise() {
    let running = RefCell::new(Vec::new());
    contract::check(Clock::Waited, async || {
        let etcds = Etcds::start(1);
        let store = found(&etcds.access()).await;
        // The one before is not needed any more, but its watches may still be looked at.
        running.borrow_mut().push(etcds);
        let surplus = running.borrow().len().saturating_sub(2);
        running.borrow_mut().drain(..surplus);
        store
    })
    .await;
}

#[tokio::test]
async fn it_is_asked_by_tls_and_only_with_a_certificate() {
    let etcds = Etcds::start_secured(1);
    let access = etcds.access();
    let store = found(&access).await;
    assert_eq!(put(&store, "/a", vec![1]).await, Ok(1));
    let ca_pem = access.tls.as_ref().unwrap().ca_pem.clone();
    let nobody = EtcdAccess { tls: Some(EtcdTls { ca_pem, identity: None }), ..access.clone() };
    let other = Etcds::start_secured(1).access();
    let stranger = EtcdAccess { tls: other.tls, ..access };
    let refused = Etcd::open(&nobody).await.unwrap_err();
    assert!(matches!(refused, StoreError::Etcd(EtcdFault::Away(_))), "{refused}");
    assert!(refused.hint().contains("certificates"), "etcd hangs up without a reason");
    let refused = Etcd::open(&stranger).await.unwrap_err();
    assert!(refused.to_string().contains("invalid peer certificate"), "{refused}");
}

#[tokio::test]
async fn a_prefix_is_founded_once_and_clusters_do_not_see_each_other() {
    let etcds = Etcds::start(1);
    let one = etcds.access();
    let missing = Etcd::open(&one);
    let store = found(&one).await;
    drop(missing);
    let other = EtcdAccess { prefix: format!("{}/2", one.prefix), ..one.clone() };
    let missing = Etcd::open(&other).await.unwrap_err();
    assert_eq!(missing, StoreError::Etcd(EtcdFault::Missing(other.prefix.clone())));
    let taken = Etcd::found(&one, &Snapshot::default()).await.unwrap_err();
    assert_eq!(taken, StoreError::Etcd(EtcdFault::Taken(one.prefix.clone())));
    let second = found(&other).await;
    put(&second, "/theirs", vec![2]).await.unwrap();
    let first = put(&store, "/ours", vec![1]).await.unwrap();
    put(&second, "/theirs", vec![3]).await.unwrap();
    let snapshot = store.range("").await.unwrap();
    assert_eq!(snapshot.revision, first, "what others do is no revision of ours");
    assert_eq!(snapshot.entries.len(), 1);
    let again = Etcd::open(&one).await.unwrap();
    let read = again.range("").await.unwrap();
    assert_eq!(read.entries, snapshot.entries);
    let nothing = again.commit(Txn::default()).await;
    assert_eq!(nothing, Ok(Committed::Applied(first)), "and no change is none of theirs");
    let mut told = again.watch("", read.revision).unwrap();
    again.close();
    let ended = tokio::time::timeout(Duration::from_secs(10), told.next()).await;
    assert!(matches!(ended, Ok(None | Some(Err(_)))), "{ended:?}");
    assert!(matches!(again.range("").await, Err(StoreError::Stopped { .. })));
    Etcd::remove(&one).await.unwrap();
    let missing = Etcd::open(&one).await.unwrap_err();
    assert_eq!(missing, StoreError::Etcd(EtcdFault::Missing(one.prefix.clone())));
    assert_eq!(second.range("").await.unwrap().entries.len(), 1, "the other is untouched");
    assert_eq!(found(&one).await.range("").await.unwrap().entries, []);
}

#[tokio::test]
async fn what_is_moved_there_has_later_revisions_than_it_had() {
    let embedded = Memory::new();
    for n in 0..150 {
        put(&embedded, &format!("/{n:03}"), vec![n]).await.unwrap();
    }
    let before = embedded.range("").await.unwrap();
    let etcds = Etcds::start(1);
    let access = etcds.access();
    drop(found(&EtcdAccess { prefix: "/ready".into(), ..access.clone() }).await);
    let store = Etcd::found(&access, &before).await.unwrap();
    let after = store.range("").await.unwrap();
    let values = |snapshot: &Snapshot| {
        let pairs = snapshot.entries.iter().map(|e| (e.key.clone(), e.value.clone()));
        pairs.collect::<Vec<_>>()
    };
    assert_eq!(values(&after), values(&before));
    assert!(after.revision > before.revision);
    let modified = after.entries.iter().map(|entry| entry.modified);
    assert!(modified.clone().all(|at| before.revision < at && at <= after.revision));
    let old = store.watch("", before.revision).err();
    assert!(matches!(old, Some(StoreError::Compacted { .. })), "everybody reads anew");
    let key = "/007".to_owned();
    let modified = after.entries[7].modified;
    let conditions = vec![Condition::Unchanged { key: key.clone(), modified }];
    let ops = vec![Op::Delete { key }];
    let committed = store.commit(Txn { conditions, ops }).await;
    assert_eq!(committed, Ok(Committed::Applied(after.revision + 1)));
}

#[tokio::test]
async fn a_watch_misses_nothing_when_members_die_and_stop() {
    let mut etcds = Etcds::start(3);
    let access = etcds.access();
    let (writer, reader) = (found(&access).await, Etcd::open(&access).await.unwrap());
    let mut watch = reader.watch("", 0).unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..3_usize {
        for n in 0..10 {
            let key = format!("/{round}/{n}");
            match put(&writer, &key, vec![]).await {
                Ok(revision) => acknowledged.push((revision, key)),
                Err(StoreError::Unsettled | StoreError::Etcd(EtcdFault::Away(_))) => {}
                Err(other) => panic!("{other}"),
            }
            match n {
                2 if round == 1 => etcds.pause(round),
                2 => etcds.kill(round),
                7 if round == 1 => etcds.resume(round),
                7 => etcds.run(round),
                _ => {}
            }
        }
    }
    let start = Instant::now();
    until("writes go on", async || put(&writer, "/last", vec![]).await.is_ok()).await;
    assert!(start.elapsed() < Duration::from_secs(10));
    let mut told: Vec<Change> = Vec::new();
    while told.last().is_none_or(|change| change.key != "/last") {
        let next = tokio::time::timeout(common::managers::PATIENCE, watch.next()).await;
        told.push(next.unwrap().unwrap().unwrap());
    }
    assert!(told.is_sorted_by_key(|change| change.revision), "in order");
    for (revision, key) in acknowledged {
        let found = told.iter().filter(|change| change.key == key).map(|change| change.revision);
        assert_eq!(found.collect::<Vec<_>>(), [revision], "{key} is told once, as acknowledged");
    }
}

#[tokio::test]
async fn a_pause_makes_no_gap_and_what_is_compacted_is_refused() {
    let etcds = Etcds::start(1);
    let store = found(&etcds.access()).await;
    put(&store, "/a", vec![1]).await.unwrap();
    let mut watch = store.watch("", 1).unwrap();
    etcds.pause(0);
    let late = put(&store, "/b", vec![1]).await;
    assert_eq!(late, Err(StoreError::Unsettled), "it may have been carried out");
    etcds.resume(0);
    until("it answers", async || put(&store, "/c", vec![1]).await.is_ok()).await;
    let told = watch.next().await.unwrap().unwrap();
    assert!(told.revision == 2 && ["/b", "/c"].contains(&told.key.as_str()), "{told:?}");
    let status = etcds.etcdctl(&["get", "x", "-w", "json"]);
    let revision = status.split("\"revision\":").nth(1).unwrap();
    etcds.etcdctl(&["compact", revision.split(',').next().unwrap()]);
    let again = Etcd::open(&etcds.access()).await.unwrap();
    let refused = again.watch("", 1).err();
    assert!(matches!(refused, Some(StoreError::Compacted { .. })), "{refused:?}");
    let snapshot = again.range("").await.unwrap();
    let mut watch = again.watch("", snapshot.revision).unwrap();
    let next = put(&store, "/d", vec![1]).await.unwrap();
    let told = watch.next().await.unwrap().unwrap();
    assert_eq!((told.revision, told.key.as_str()), (next, "/d"), "one begins with a range");
}

#[tokio::test]
async fn an_etcd_that_is_away_is_told_of_and_nothing_else_is_lost() {
    let mut etcds = Etcds::start(1);
    let store = found(&etcds.access()).await;
    put(&store, "/a", vec![1]).await.unwrap();
    etcds.kill(0);
    let refused = store.range("").await.unwrap_err();
    assert!(matches!(refused, StoreError::Etcd(EtcdFault::Away(_))), "{refused}");
    let refused = put(&store, "/b", vec![1]).await.unwrap_err();
    assert!(matches!(refused, StoreError::Etcd(EtcdFault::Away(_)) | StoreError::Unsettled));
    etcds.run(0);
    until("it is back", async || store.range("").await.is_ok()).await;
    let snapshot = store.range("").await.unwrap();
    assert_eq!(snapshot.entries[0].key, "/a");
}

#[tokio::test]
async fn an_etcd_that_was_founded_anew_is_not_taken_for_the_old_one() {
    let mut etcds = Etcds::start(1);
    let store = found(&etcds.access()).await;
    put(&store, "/a", vec![1]).await.unwrap();
    let mut watch = store.watch("", 1).unwrap();
    etcds.wipe(0);
    etcds.run(0);
    let replaced = StoreError::Etcd(EtcdFault::Replaced);
    until("it is seen", async || store.range("").await == Err(replaced.clone())).await;
    assert!(watch.next().await.is_none(), "its watches end");
    assert_eq!(put(&store, "/b", vec![1]).await, Err(replaced));
}

#[tokio::test]
async fn a_store_that_was_retired_takes_nothing_more_from_whoever_has_it_open() {
    let etcds = Etcds::start(1);
    let access = etcds.access();
    let (store, other) = (found(&access).await, Etcd::open(&access).await.unwrap());
    let at = put(&store, "/a", vec![1]).await.unwrap();
    let mut watch = other.watch("", at).unwrap();
    store.retire().await.unwrap();
    store.retire().await.unwrap();
    let ops = vec![Op::Put { key: "/b".into(), value: vec![], lease: None }];
    let late = other.commit(Txn { conditions: vec![], ops }).await;
    assert_eq!(late, Ok(Committed::Conflict), "it is to be read again");
    let replaced = StoreError::Etcd(EtcdFault::Replaced);
    assert_eq!(other.range("").await, Err(replaced.clone()));
    assert_eq!(put(&other, "/b", vec![1]).await, Err(replaced));
    let missing = Etcd::open(&access).await.unwrap_err();
    assert_eq!(missing, StoreError::Etcd(EtcdFault::Missing(access.prefix.clone())));
    // What a new one makes of what is left is nothing that the old one's followers are told.
    assert_eq!(found(&access).await.range("").await.unwrap().entries, []);
    assert_eq!(watch.next().await, None);
    let taken = store.retire().await.unwrap_err();
    assert_eq!(taken, StoreError::Etcd(EtcdFault::Taken(access.prefix)));
}

#[tokio::test]
async fn large_transactions_are_one_revision() {
    let etcds = Etcds::start(1);
    let store = found(&etcds.access()).await;
    let op = |n: usize| Op::Put { key: format!("/{n:04}"), value: vec![0; 32], lease: None };
    let conditions = (0..100).map(|n| Condition::Absent(format!("/{n:04}"))).collect();
    let txn = Txn { conditions, ops: (0..2_000).map(op).collect() };
    assert_eq!(store.commit(txn.clone()).await, Ok(Committed::Applied(1)));
    assert_eq!(store.commit(txn).await, Ok(Committed::Conflict));
    let all = store.range("").await.unwrap();
    assert_eq!((all.revision, all.entries.len()), (1, 2_000), "page by page");
    assert!(all.entries.is_sorted_by_key(|entry| entry.key.clone()));
    let ops = (0..2_000).map(|n| Op::Delete { key: format!("/{n:04}") }).collect();
    let gone = store.commit(Txn { conditions: vec![Condition::Present("/0000".into())], ops });
    assert_eq!(gone.await, Ok(Committed::Applied(2)));
    assert_eq!(store.range("").await.unwrap(), Snapshot { revision: 2, entries: vec![] });
}
