//! What was acknowledged is there after the store was closed, killed or out of space.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    dead_code,
    reason = "integration tests"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::{as_child, child, given, put, skip};
use futures::future::join_all;
use futures::stream::StreamExt;
use weft_registry::{LeaseId, Op, Txn};
use weft_store::{HISTORY, Redb, Store, StoreError};

#[tokio::test]
async fn a_store_is_the_same_after_it_was_closed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let store = Redb::open(&path).unwrap();
    for n in 0..50_u32 {
        put(&store, &format!("/{}", n % 9), n.to_string().into()).await.unwrap();
    }
    let ops = vec![Op::Delete { key: "/3".into() }, Op::Delete { key: "/4".into() }];
    store.commit(Txn { conditions: Vec::new(), ops }).await.unwrap();
    let before = store.range("").await.unwrap();
    let told: Vec<_> = store.watch("", 0).unwrap().take(52).collect().await;
    drop(store);

    let store = Redb::open(&path).unwrap();
    assert_eq!(store.range("").await.unwrap(), before);
    assert_eq!(before.revision, 51);
    let again: Vec<_> = store.watch("", 0).unwrap().take(52).collect().await;
    assert_eq!(again, told, "the history is kept, too");
    assert_eq!(put(&store, "/a", Vec::new()).await, Ok(52));
}

#[tokio::test]
async fn history_beyond_the_limit_is_forgotten_in_the_file_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let store = Redb::open(&path).unwrap();
    let ops: Vec<Op> = (0..512)
        .map(|n| Op::Put { key: format!("/{n}"), value: Vec::new(), lease: None })
        .collect();
    for _ in 0..HISTORY / 512 + 2 {
        store.commit(Txn { conditions: Vec::new(), ops: ops.clone() }).await.unwrap();
    }
    let oldest = store.watch("", 0).err();
    assert_eq!(oldest, Some(StoreError::Compacted { oldest: 2 }));
    drop(store);
    let store = Redb::open(&path).unwrap();
    assert_eq!(store.watch("", 0).err(), oldest);
    let told: Vec<_> = store.watch("", 2).unwrap().take(HISTORY).collect().await;
    assert_eq!(told.last().unwrap().as_ref().unwrap().revision, 10);
}

#[tokio::test(start_paused = true)]
async fn a_lease_starts_anew_when_the_store_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let store = Redb::open(&path).unwrap();
    let lease = store.grant(Duration::from_secs(10)).await.unwrap();
    let ops = vec![Op::Put { key: "/a".into(), value: Vec::new(), lease: Some(lease) }];
    store.commit(Txn { conditions: Vec::new(), ops }).await.unwrap();
    drop(store);
    tokio::time::advance(Duration::from_secs(60)).await;

    let store = Redb::open(&path).unwrap();
    assert_eq!(store.keep_alive(lease).await, Ok(()));
    let change = store.watch("", 1).unwrap().next().await.unwrap().unwrap();
    assert_eq!((change.revision, change.value), (2, None));
    drop(store);
    let store = Redb::open(&path).unwrap();
    assert_eq!(store.keep_alive(lease).await, Err(StoreError::NoSuchLease(lease)));
    assert_eq!(store.grant(Duration::from_secs(10)).await, Ok(LeaseId(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_on_many_threads_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let store = Redb::open(&path).unwrap();
    let writers = (0..32).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for turn in 0..25 {
                put(&store, &format!("/{writer}/{turn}"), Vec::new()).await.unwrap();
            }
        })
    });
    let done = join_all(writers).await;
    assert!(done.into_iter().all(|writer| writer.is_ok()));
    drop(store);
    let found = Redb::open(&path).unwrap().range("").await.unwrap();
    assert_eq!((found.revision, found.entries.len()), (800, 800));
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let mut revision = 0;
    for round in 0..12_u64 {
        let acknowledged = write_and_kill(&path, revision + 1 + round * 7 % 40);
        let store = Redb::open(&path).unwrap();
        let snapshot = store.range("/n/").await.unwrap();
        assert!(snapshot.revision >= acknowledged, "{acknowledged} was acknowledged");
        assert!(snapshot.revision <= acknowledged + 8, "no more than what was under way");
        for n in 1..=snapshot.revision {
            let key = format!("/n/{n:08}");
            let entry = snapshot.entries.iter().find(|entry| entry.key == key);
            assert!(entry.is_some_and(|entry| entry.value == vec![7; 3000]), "{key}");
        }
        revision = snapshot.revision;
    }
    assert!(revision > 100, "enough has happened for the test to mean something: {revision}");
}

/// Lets a child write until it has acknowledged `enough`, and kills it. The last acknowledged revision.
fn write_and_kill(path: &Path, enough: u64) -> u64 {
    let mut process = child("a_child_writes_until_it_is_killed", path).spawn().unwrap();
    let mut last = 0;
    let mut killed = false;
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(number) = line.strip_prefix("acknowledged ") else { continue };
        last = number.parse().unwrap();
        if last >= enough && !killed {
            process.kill().unwrap();
            killed = true;
        }
    }
    process.wait().unwrap();
    assert!(killed, "the child ended by itself");
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_writes_until_it_is_killed() {
    let Some(path) = given() else { return };
    let store = Redb::open(&path).unwrap();
    let mut n = store.range("").await.unwrap().revision;
    loop {
        let store = &store;
        let batch = (1..=8).map(|ahead| async move {
            put(store, &format!("/n/{:08}", n + ahead), vec![7; 3000]).await.unwrap()
        });
        let last = join_all(batch).await.into_iter().max().unwrap();
        println!("\nacknowledged {last}");
        n = last;
    }
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_room_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]).arg(std::env::current_exe().unwrap());
    as_child(&mut command, "a_child_fills_its_disk", directory.path());
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() && told.contains("unshare") && told.contains("not permitted") {
        return skip("a mount namespace of one's own needs root");
    }
    assert!(output.status.success(), "{}{told}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test]
async fn a_child_fills_its_disk() {
    let Some(directory) = given() else { return };
    mount(&directory, "size=6m");
    let path = directory.join("state.redb");
    let store = Redb::open(&path).unwrap();
    let mut acknowledged = 0;
    let error = loop {
        match put(&store, &format!("/{acknowledged}"), vec![1; 20_000]).await {
            Ok(revision) => acknowledged = revision,
            Err(error) => break error,
        }
    };
    assert_eq!(error, StoreError::Full { path: path.clone() });
    assert!(error.hint().contains("make room"));
    let still = put(&store, "/more", vec![1; 20_000]).await.unwrap_err();
    assert_eq!(still, StoreError::Full { path: path.clone() });
    assert_eq!(store.range("").await.unwrap().revision, acknowledged, "reads go on");
    drop(store);
    match Redb::open(&path) {
        Ok(store) => assert_eq!(store.range("").await.unwrap().revision, acknowledged),
        Err(error) => assert_eq!(error, StoreError::Full { path: path.clone() }),
    }
    mount(&directory, "remount,size=64m");
    let store = Redb::open(&path).unwrap();
    let found = store.range("").await.unwrap();
    assert_eq!(u64::try_from(found.entries.len()).unwrap(), found.revision);
    assert!(found.revision == acknowledged, "{} after {acknowledged}", found.revision);
    assert_eq!(put(&store, "/more", Vec::new()).await, Ok(acknowledged + 1), "it goes on");
    fill_and_free(&directory, &store, &path).await;
}

/// The same store goes on, without being opened again by its owner.
async fn fill_and_free(directory: &Path, store: &Redb, path: &Path) {
    mount(directory, "remount,size=8m");
    let (mut last, mut refused) = (store.range("").await.unwrap().revision, None);
    while refused.is_none() {
        match put(store, &format!("/again/{last}"), vec![1; 20_000]).await {
            Ok(revision) => last = revision,
            Err(error) => refused = Some(error),
        }
    }
    assert_eq!(refused, Some(StoreError::Full { path: path.to_owned() }));
    mount(directory, "remount,size=64m");
    assert_eq!(put(store, "/after", Vec::new()).await, Ok(last + 1), "there is room again");
}

fn mount(directory: &Path, options: &str) {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(directory);
    assert!(command.status().unwrap().success());
}
