//! Several managers: any of them may go, and nothing that was acknowledged is lost.

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

use std::collections::BTreeSet;
use std::time::Duration;

use common::managers::{Managers, node, until};
use common::put;
use futures::stream::{self, FuturesUnordered, StreamExt};
use redb::{ReadableDatabase as _, ReadableTableMetadata as _};
use tokio::time::{Instant, timeout};
use weft_registry::{Committed, Condition, Op, Txn};
use weft_store::{Raft, Redb, Store, StoreError};

/// What the issue asks for.
const WRITES_GO_ON: Duration = Duration::from_secs(3);

/// Writers beside each other.
const AT_ONCE: usize = 20;

async fn keys(store: &impl Store) -> BTreeSet<String> {
    store.range("").await.unwrap().entries.into_iter().map(|entry| entry.key).collect()
}

/// Makes an entry that is not there.
async fn make(store: &impl Store, key: &str) -> Result<Committed, StoreError> {
    let conditions = vec![Condition::Absent(key.to_owned())];
    let ops = vec![Op::Put { key: key.to_owned(), value: b"x".to_vec(), lease: None }];
    store.commit(Txn { conditions, ops }).await
}

/// Writes that many keys, each until it is acknowledged, as clients do: on a busy machine the leader may
/// change meanwhile.
async fn insist(store: &impl Store, keys: usize, value: u8) {
    let write = async |n| {
        let key = format!("/{n}");
        until("it is written", async || put(store, &key, vec![value]).await.is_ok()).await;
    };
    stream::iter(0..keys).for_each_concurrent(AT_ONCE, write).await;
}

#[tokio::test]
async fn a_leader_that_is_killed_takes_nothing_along_and_writes_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let managers = Managers::start(directory.path(), 3).await;
    let mut made = BTreeSet::new();
    for round in 0..4 {
        let leader = managers.leader().await;
        let other = managers.get(leader % 3 + 1);
        for n in 0..10 {
            let key = format!("/{round}/{n}");
            assert!(matches!(make(&other, &key).await, Ok(Committed::Applied(_))));
            made.insert(key);
        }
        managers.kill(leader);
        let start = Instant::now();
        let key = format!("/{round}/after");
        assert!(matches!(make(&other, &key).await, Ok(Committed::Applied(_))));
        assert!(start.elapsed() < WRITES_GO_ON, "writes went on after {:?}", start.elapsed());
        made.insert(key);
        assert_eq!(keys(&other).await, made, "all that was acknowledged is there");
        until("the file is closed", async || managers.open(leader).await.is_ok()).await;
        assert_eq!(keys(&managers.get(leader)).await, made, "who comes back catches up");
    }
}

#[tokio::test]
async fn all_managers_start_from_their_disks() {
    let directory = tempfile::tempdir().unwrap();
    let managers = Managers::start(directory.path(), 3).await;
    for n in 0..20 {
        put(&managers.get(n % 3 + 1), &format!("/{n}"), vec![1]).await.unwrap();
    }
    let before = managers.get(2).range("").await.unwrap();
    for id in 1..=3 {
        managers.end(id).await;
    }
    for id in 1..=3 {
        managers.open(id).await.unwrap();
    }
    for id in 1..=3 {
        assert_eq!(managers.get(id).range("").await.unwrap(), before);
    }
    let told: Vec<_> = managers.get(3).watch("", 0).unwrap().take(20).collect().await;
    assert!(told.iter().all(Result::is_ok), "the history is kept, too");
    assert_eq!(put(&managers.get(1), "/more", vec![]).await, Ok(21));
}

#[tokio::test]
async fn a_single_store_becomes_the_first_of_several() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("1.redb");
    let single = Redb::open(&path).unwrap();
    for n in 0..5 {
        put(&single, &format!("/{n}"), vec![1]).await.unwrap();
    }
    let before = single.range("").await.unwrap();
    drop(single);
    let managers = Managers::start(directory.path(), 3).await;
    assert_eq!(managers.get(1).range("").await.unwrap(), before);
    assert_eq!(managers.get(3).range("").await.unwrap(), before, "what came before the log, too");
    managers.end(1).await;
    let error = Redb::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Format { found: 2, .. }), "{error}");
}

#[tokio::test]
async fn without_a_majority_nothing_is_changed_and_the_error_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let managers = Managers::start(directory.path(), 3).await;
    let last = managers.get(3);
    make(&last, "/before").await.unwrap();
    managers.kill(1);
    managers.kill(2);
    until("it is seen", async || !last.standing().majority).await;
    assert_eq!(last.range("").await, Err(StoreError::NoMajority));
    let refused = make(&last, "/after").await.unwrap_err();
    assert!(matches!(refused, StoreError::NoMajority | StoreError::Unsettled), "{refused}");
    managers.open(1).await.unwrap();
    until("there is a majority", async || last.range("").await.is_ok()).await;
    assert!(keys(&last).await.contains("/before"));
}

/// It leads again in the same term, and may have applied less than others have acknowledged.
#[tokio::test]
async fn a_leader_that_comes_back_at_once_answers_for_what_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let managers = Managers::start(directory.path(), 3).await;
    for round in 0..5 {
        let leader = managers.leader().await;
        let (one, other) = (managers.get(leader % 3 + 1), managers.get((leader + 1) % 3 + 1));
        let one = &one;
        let writes = (0..100).map(|n| async move {
            let key = format!("/{round}/{n}");
            put(one, &key, vec![round]).await.ok().map(|_revision| key)
        });
        let writes: FuturesUnordered<_> = writes.collect();
        let acknowledged: Vec<_> = writes.take(20).collect().await;
        managers.kill(leader);
        until("its file is closed", async || managers.open(leader).await.is_ok()).await;
        until("there is a majority", async || other.range("").await.is_ok()).await;
        let known = keys(&other).await;
        for key in acknowledged.into_iter().flatten() {
            assert!(known.contains(&key), "{key} was acknowledged, and is not told");
        }
    }
}

#[tokio::test]
async fn a_leader_that_is_cut_off_acknowledges_nothing_and_follows_again() {
    let directory = tempfile::tempdir().unwrap();
    let managers = Managers::start(directory.path(), 3).await;
    let old = managers.leader().await;
    managers.cut_off(old);
    let lost = make(&managers.get(old), "/lost").await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(managers.get(old).range("").await, Err(StoreError::NoMajority));
    let new = managers.leader().await;
    assert_ne!(new, old);
    make(&managers.get(new), "/kept").await.unwrap();
    managers.heal();
    let old = managers.get(old);
    until("it follows again", async || old.range("").await.is_ok()).await;
    assert_eq!(keys(&old).await, BTreeSet::from(["/kept".to_owned()]));
}

/// Whether there are conditions or not, and whatever they are about.
#[tokio::test]
async fn a_change_is_made_once_however_many_answers_are_lost() {
    let directory = tempfile::tempdir().unwrap();
    let managers = Managers::start(directory.path(), 3).await;
    let other = managers.get(managers.leader().await % 3 + 1);
    let guard = put(&other, "/guard", vec![]).await.unwrap();
    for (n, conditions) in [vec![], vec![Condition::Present("/guard".into())]].iter().enumerate() {
        managers.lose_answers(managers.leader().await % 3 + 1, 3);
        let ops = vec![Op::Put { key: "/a".into(), value: vec![1], lease: None }];
        let txn = Txn { conditions: conditions.clone(), ops };
        let made = other.commit(txn).await.unwrap();
        assert_eq!(made, Committed::Applied(guard + 2 * n as u64 + 1), "{conditions:?}");
        // What is still under way in vain comes before this.
        let next = put(&other, "/b", vec![]).await;
        assert_eq!(next, Ok(guard + 2 * n as u64 + 2), "{conditions:?}");
    }
}

#[tokio::test]
async fn a_manager_that_was_away_for_long_gets_a_snapshot() {
    let directory = tempfile::tempdir().unwrap();
    let managers = Managers::start(directory.path(), 3).await;
    managers.kill(3);
    let first = managers.get(1);
    for round in 0..15 {
        let first = &first;
        insist(first, 100, round).await;
    }
    until("the file is closed", async || managers.open(3).await.is_ok()).await;
    let third = managers.get(3);
    assert_eq!(third.range("").await.unwrap(), first.range("").await.unwrap());
    let told = third.watch("", 0).unwrap().take(1_500);
    let told: Vec<_> = timeout(Duration::from_secs(60), told.collect()).await.unwrap();
    assert!(told.iter().all(Result::is_ok), "with the history");
}

#[tokio::test]
async fn the_log_is_cut_by_snapshots_however_much_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let managers = Managers::start(directory.path(), 1).await;
    let one = managers.get(1);
    for round in 0..40_u8 {
        let one = &one;
        insist(one, 50, round).await;
    }
    let before = one.range("").await.unwrap();
    managers.end(1).await;
    drop(one);
    let file = redb::Database::open(managers.path(1)).unwrap();
    let log: redb::TableDefinition<'_, u64, &[u8]> = redb::TableDefinition::new("raft_log");
    let kept = file.begin_read().unwrap().open_table(log).unwrap().len().unwrap();
    drop(file);
    assert!(kept < 1_400, "2,000 entries were written, and {kept} are kept");
    assert_eq!(managers.open(1).await.unwrap().range("").await.unwrap(), before);
    managers.join(2, &[1]).await;
    assert_eq!(managers.get(2).range("").await.unwrap(), before, "from a snapshot");
}

#[tokio::test]
async fn managers_come_and_go() {
    let directory = tempfile::tempdir().unwrap();
    let managers = Managers::start(directory.path(), 3).await;
    let leader = managers.leader().await;
    let rest: BTreeSet<_> = (1..=3).filter(|id| *id != leader).map(node).collect();
    let gone = managers.get(leader);
    gone.keep_only(&rest).await;
    let others: Vec<_> = rest.iter().copied().collect();
    until("it is told so", async || gone.is_dismissed(&others).await).await;
    managers.end(leader).await;
    let one = managers.get(leader % 3 + 1);
    make(&one, "/with-two").await.unwrap();
    assert_eq!(one.standing().voters, rest);
    std::fs::remove_file(managers.path(leader)).unwrap();
    managers.join(leader, &[leader % 3 + 1]).await;
    assert_eq!(keys(&managers.get(leader)).await.len(), 1);
    assert_eq!(one.standing().voters.len(), 3);
}

#[tokio::test]
async fn one_that_is_left_of_three_goes_on_alone_with_all_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let managers = Managers::start(directory.path(), 3).await;
    for n in 0..10 {
        put(&managers.get(1), &format!("/{n}"), vec![1]).await.unwrap();
    }
    let before = managers.get(2).range("").await.unwrap();
    for id in 1..=3 {
        managers.end(id).await;
    }
    Raft::recover(&managers.path(2), node(2)).unwrap();
    let alone = managers.open(2).await.unwrap();
    let after = alone.range("").await.unwrap();
    assert_eq!(after.entries, before.entries);
    assert!(after.revision > before.revision);
    let refused = alone.watch("", before.revision).err();
    assert!(matches!(refused, Some(StoreError::Compacted { .. })), "everybody reads anew");
    make(&alone, "/alone").await.unwrap();
    // An old manager that comes back is not listened to.
    let old = managers.open(1).await.unwrap();
    assert_eq!(old.range("").await, Err(StoreError::NoMajority));
    assert!(old.is_dismissed(&[node(2)]).await);
    managers.end(1).await;
    std::fs::remove_file(managers.path(1)).unwrap();
    managers.join(1, &[2]).await;
    assert_eq!(keys(&managers.get(1)).await.len(), 11);
}

#[tokio::test]
async fn those_that_were_left_behind_stand_down_even_if_they_are_the_majority() {
    let directory = tempfile::tempdir().unwrap();
    let managers = Managers::start(directory.path(), 3).await;
    make(&managers.get(1), "/before").await.unwrap();
    for id in 1..=3 {
        managers.end(id).await;
    }
    Raft::recover(&managers.path(3), node(3)).unwrap();
    let new = managers.open(3).await.unwrap();
    make(&new, "/after").await.unwrap();
    let (old, other) = (managers.open(1).await.unwrap(), managers.open(2).await.unwrap());
    until("the old ones agree without the third", async || old.range("").await.is_ok()).await;
    assert!(!new.is_dismissed(&[node(1), node(2)]).await, "they do not know its generation");
    for left in [&old, &other] {
        assert!(left.is_dismissed(&[node(3)]).await, "the newer generation's word counts");
    }
}

#[tokio::test]
async fn a_registry_is_restored_from_elsewhere_and_nobody_takes_it_for_the_old_one() {
    let directory = tempfile::tempdir().unwrap();
    let managers = Managers::start(directory.path(), 1).await;
    for n in 0..10 {
        put(&managers.get(1), &format!("/{n}"), vec![n]).await.unwrap();
    }
    let kept = managers.get(1).known("");
    make(&managers.get(1), "/later").await.unwrap();
    Raft::restore(&managers.path(2), node(2), &kept).unwrap();
    let restored = managers.open(2).await.unwrap();
    let there = restored.range("").await.unwrap();
    assert_eq!(there.entries, kept.entries);
    assert!(there.revision > kept.revision + (1 << 32), "later than any restart from what is left");
    make(&restored, "/new").await.unwrap();
    managers.end(2).await;
    assert_eq!(keys(&managers.open(2).await.unwrap()).await.len(), 11);
}

#[tokio::test]
async fn who_is_no_manager_may_only_ask_whether_it_is_one() {
    let directory = tempfile::tempdir().unwrap();
    let managers = Managers::start(directory.path(), 1).await;
    Raft::enlist(&managers.path(9)).unwrap();
    let stranger = managers.open(9).await.unwrap();
    managers.trust_nobody();
    assert_eq!(stranger.take_seat(&[node(1)]).await, Err(StoreError::NoMajority));
    assert!(make(&managers.get(1), "/a").await.is_ok());
    assert_eq!(managers.get(1).standing().voters, BTreeSet::from([node(1)]));
    assert!(stranger.is_dismissed(&[node(1)]).await);
}

#[tokio::test]
async fn a_damaged_file_is_told_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let managers = Managers::start(directory.path(), 1).await;
    make(&managers.get(1), "/a").await.unwrap();
    managers.end(1).await;
    let mut bytes = std::fs::read(managers.path(1)).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(managers.path(1), &bytes).unwrap();
    let error = managers.open(1).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert_eq!(std::fs::read(managers.path(1)).unwrap(), bytes);
}
