//! Histories of a right store are fine; each thing that can go wrong is found.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use weft_linear::register::{self, Verdict};
use weft_linear::{
    Call, Change, Ending, Expect, History, Operation, Outcome, Seen, Violation, Watch, witness,
};

/// One client's wish: how long it takes to arrive and to be answered, and what it is.
type Wish = (u32, u64, u64, u8);

/// Serves wishes as a right store does: each takes effect at one moment between call and answer.
fn serve(wishes: &[Wish], clients: u32, keys: u64) -> History {
    let mut clocks = vec![0_u64; clients as usize];
    let mut moments = Vec::new();
    for (number, (client, way, back, kind)) in wishes.iter().enumerate() {
        let clock = &mut clocks[(client % clients) as usize];
        let invoked = *clock;
        let moment = invoked + 1 + way;
        *clock = moment + 1 + back;
        // A moment belongs to one operation.
        moments.push((moment * 10_000 + number as u64, invoked, *clock, number, *kind));
        *clock += 1;
    }
    moments.sort_unstable();
    let mut history = History::default();
    let mut entries: BTreeMap<String, Seen> = BTreeMap::new();
    let mut known: BTreeMap<(u32, String), Option<Seen>> = BTreeMap::new();
    let mut revision = 0;
    for (_moment, invoked, completed, number, kind) in moments {
        let client = wishes[number].0 % clients;
        let key = format!("/{}", number as u64 % keys);
        let value = number as u64 + 1;
        let name = (client, key.clone());
        let found = entries.get(&key).copied();
        let expected = known.get(&name).copied();
        let expect = match (kind % 4, expected) {
            (2 | 3, Some(expected)) => Expect::Unchanged(expected),
            _ => Expect::Anything,
        };
        let (call, outcome) = if kind % 4 == 0 {
            known.insert(name, found);
            (Call::Read, Outcome::Read { revision, found })
        } else if matches!(expect, Expect::Unchanged(expected) if expected != found) {
            (Call::Put { value, expect }, Outcome::Conflict)
        } else if kind % 16 == 5 {
            (Call::Put { value, expect }, Outcome::Refused)
        } else {
            let lost = kind % 16 == 9;
            if !(lost && kind >= 128) {
                revision += 1;
                entries.insert(key.clone(), Seen { value, modified: revision });
                history.changes.push(Change { revision, key: key.clone(), value });
            }
            let outcome = if lost { Outcome::Unknown } else { Outcome::Applied(revision) };
            (Call::Put { value, expect }, outcome)
        };
        let time = Duration::from_millis;
        let (invoked, completed) = (time(invoked), time(completed));
        history.operations.push(Operation { client, key, invoked, completed, call, outcome });
    }
    history.watches.push(Watch { after: 0, changes: history.changes.clone() });
    let half = revision / 2;
    let later = history.changes.iter().filter(|change| change.revision > half).cloned();
    history.watches.push(Watch { after: half, changes: later.collect() });
    history.ending = Ending { revision, entries };
    history
}

fn wishes(count: usize) -> impl Strategy<Value = Vec<Wish>> {
    prop::collection::vec((any::<u32>(), 0..20_u64, 0..20_u64, any::<u8>()), count)
}

/// A history in which everything happens.
fn busy() -> History {
    let wishes: Vec<Wish> = (0..400_u32)
        .map(|n| {
            (
                n * 7,
                u64::from(n * 13 % 11),
                u64::from(n * 5 % 7),
                n.wrapping_mul(29).to_le_bytes()[0],
            )
        })
        .collect();
    let history = serve(&wishes, 5, 3);
    assert_eq!(witness::check(&history), []);
    assert!(verdicts(&history).iter().all(|verdict| *verdict == Verdict::Linearizable));
    history
}

fn verdicts(history: &History) -> Vec<Verdict> {
    history.by_key().values().map(|operations| register::check(operations, 1_000_000)).collect()
}

/// The place of an operation that `fits`, from the middle on.
fn place(history: &History, fits: impl Fn(&Operation) -> bool) -> usize {
    let middle = history.operations.len() / 2;
    let found = history.operations.iter().skip(middle).position(fits);
    middle + found.expect("the history has such an operation")
}

#[track_caller]
fn found(history: &History, is: impl Fn(&Violation) -> bool) {
    let violations = witness::check(history);
    assert!(violations.iter().any(is), "{violations:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_right_store_is_never_accused(wishes in wishes(200), clients in 1..8_u32, keys in 1..4_u64) {
        let history = serve(&wishes, clients, keys);
        prop_assert_eq!(witness::check(&history), vec![]);
        for verdict in verdicts(&history) {
            prop_assert_eq!(verdict, Verdict::Linearizable);
        }
    }
}

#[test]
fn a_stale_read_is_found() {
    let mut history = busy();
    let newest = |op: &Operation| matches!(op.outcome, Outcome::Read { found: Some(_), .. });
    let at = place(&history, newest);
    // It is told what was there at the beginning, under the revision of the beginning.
    let first = history.changes.iter().find(|c| c.key == history.operations[at].key).unwrap();
    let seen = Seen { value: first.value, modified: first.revision };
    let outcome = Outcome::Read { revision: first.revision, found: Some(seen) };
    history.operations[at].outcome = outcome;
    found(&history, |v| matches!(v, Violation::Stale { .. }));
    assert!(verdicts(&history).contains(&Verdict::Not), "by values alone, too");
}

#[test]
fn a_revision_that_lies_is_found() {
    let mut history = busy();
    let at = place(&history, |op| matches!(op.outcome, Outcome::Read { found: Some(_), .. }));
    let Outcome::Read { revision, .. } = history.operations[at].outcome else { panic!("{at}") };
    let first = history.changes.iter().find(|c| c.key == history.operations[at].key).unwrap();
    let seen = Seen { value: first.value, modified: first.revision };
    history.operations[at].outcome = Outcome::Read { revision, found: Some(seen) };
    found(&history, |v| matches!(v, Violation::WrongRead { .. }));
}

/// The store swaps two commits everywhere, so that its revisions agree with each other.
#[test]
fn revisions_that_lie_consistently_are_found_by_values() {
    let operation = |client, from, to, call, outcome| Operation {
        client,
        key: "/a".into(),
        invoked: Duration::from_millis(from),
        completed: Duration::from_millis(to),
        call,
        outcome,
    };
    let put = |value| Call::Put { value, expect: Expect::Anything };
    let read = |revision, value, modified| Outcome::Read {
        revision,
        found: Some(Seen { value, modified }),
    };
    // 2 was written after 1 was read after 2 was read: no order explains that.
    let operations = [
        operation(0, 0, 10, put(1), Outcome::Applied(1)),
        operation(1, 0, 60, put(2), Outcome::Unknown),
        operation(2, 20, 30, Call::Read, read(2, 2, 2)),
        operation(3, 40, 50, Call::Read, read(1, 1, 1)),
    ];
    let all: Vec<&Operation> = operations.iter().collect();
    assert_eq!(register::check(&all, 1_000), Verdict::Not);
    assert_eq!(register::check(&all[..3], 1_000), Verdict::Linearizable);
    assert_eq!(register::check(&all, 1), Verdict::Undecided, "giving up is no success");
}

/// What was taken away does not come back, and is not taken away before it is there.
#[test]
fn a_removal_that_is_undone_is_found_by_values() {
    let operation = |from, call, outcome| Operation {
        client: 0,
        key: "/a".into(),
        invoked: Duration::from_millis(from),
        completed: Duration::from_millis(from + 5),
        call,
        outcome,
    };
    let absent = Expect::Unchanged(None);
    let put = |value| Call::Put { value, expect: absent };
    let remove = |value| Call::Remove { value };
    let done = Outcome::Applied(0);
    let read = |value: Option<u64>| Outcome::Read {
        revision: 0,
        found: value.map(|value| Seen { value, modified: 0 }),
    };
    let history = |last: [(Call, Outcome); 2]| {
        let first = [(put(1), done), (remove(1), done), (put(2), done), (remove(1), done)];
        let all = first.into_iter().chain(last).zip((0..).step_by(10));
        let all: Vec<_> = all.map(|((call, told), at)| operation(at, call, told)).collect();
        register::check(&all.iter().collect::<Vec<_>>(), 1_000)
    };
    let twice = (remove(2), done);
    assert_eq!(history([(Call::Read, read(Some(2))), twice]), Verdict::Linearizable);
    assert_eq!(history([twice, (Call::Read, read(None))]), Verdict::Linearizable);
    assert_eq!(history([twice, (Call::Read, read(Some(2)))]), Verdict::Not);
    assert_eq!(history([(Call::Read, read(Some(1))), twice]), Verdict::Not);
    assert_eq!(history([(Call::Read, read(None)), twice]), Verdict::Not);
    let unknown = (remove(2), Outcome::Unknown);
    assert_eq!(history([unknown, (Call::Read, read(None))]), Verdict::Linearizable);
    assert_eq!(history([unknown, (Call::Read, read(Some(2)))]), Verdict::Linearizable);
    assert_eq!(history([(remove(2), Outcome::Conflict), twice]), Verdict::Not);
}

#[test]
fn an_acknowledged_write_that_is_lost_is_found() {
    let mut history = busy();
    let at = place(&history, |op| matches!(op.outcome, Outcome::Applied(_)));
    let Outcome::Applied(lost) = history.operations[at].outcome else { panic!("{at}") };
    history.changes.retain(|change| change.revision != lost);
    for watch in &mut history.watches {
        watch.changes.retain(|change| change.revision != lost);
    }
    found(&history, |v| matches!(v, Violation::Lost(_)));
}

#[test]
fn a_write_without_an_answer_that_is_done_twice_is_found() {
    let mut history = busy();
    let written = |op: &Operation| {
        let Call::Put { value, .. } = op.call else { return false };
        op.outcome == Outcome::Unknown && history.changes.iter().any(|c| c.value == value)
    };
    let at = place(&history, written);
    let Call::Put { value, .. } = history.operations[at].call else { panic!("{at}") };
    let key = history.operations[at].key.clone();
    let revision = history.ending.revision + 1;
    history.changes.push(Change { revision, key: key.clone(), value });
    history.ending.revision = revision;
    history.ending.entries.insert(key, Seen { value, modified: revision });
    found(&history, |v| matches!(v, Violation::Repeated { .. }));
}

#[test]
fn a_write_that_was_refused_or_was_never_asked_is_found() {
    let history = busy();
    let at = place(&history, |op| op.outcome == Outcome::Conflict);
    let Call::Put { value, .. } = history.operations[at].call else { panic!("{at}") };
    for (value, refused) in [(value, true), (u64::MAX, false)] {
        let mut history = history.clone();
        let revision = history.ending.revision + 1;
        let key = history.operations[at].key.clone();
        history.changes.push(Change { revision, key: key.clone(), value });
        history.ending.entries.insert(key, Seen { value, modified: revision });
        found(&history, |v| match v {
            Violation::DoneThoughRefused(_) => refused,
            Violation::FromNowhere(_) => !refused,
            _ => false,
        });
    }
}

#[test]
fn a_write_before_its_time_is_found() {
    let mut history = busy();
    let at = place(&history, |op| matches!(op.outcome, Outcome::Applied(_)));
    history.operations[at].outcome = Outcome::Unknown;
    let later = Duration::from_secs(3_600);
    history.operations[at].invoked += later;
    history.operations[at].completed += later;
    found(&history, |v| matches!(v, Violation::TooEarly { .. }));
}

#[test]
fn a_condition_that_did_not_hold_is_found() {
    let mut history = busy();
    let at = place(&history, |op| matches!(op.outcome, Outcome::Applied(_)));
    let Call::Put { value, .. } = history.operations[at].call else { panic!("{at}") };
    let expect = Expect::Unchanged(Some(Seen { value: 0, modified: 0 }));
    history.operations[at].call = Call::Put { value, expect };
    found(&history, |v| matches!(v, Violation::AgainstCondition(_)));
}

#[test]
fn a_conflict_without_a_cause_is_found() {
    let mut history = busy();
    let Ending { entries, .. } = &history.ending;
    let (key, seen) = entries.iter().next().map(|(key, seen)| (key.clone(), *seen)).unwrap();
    let expect = Expect::Unchanged(Some(seen));
    let call = Call::Put { value: u64::MAX, expect };
    let end = history.operations.iter().map(|op| op.completed).max().unwrap();
    let (invoked, completed) = (end + Duration::from_secs(1), end + Duration::from_secs(2));
    let outcome = Outcome::Conflict;
    // Somebody saw the last revision before.
    let read = Outcome::Read { revision: history.ending.revision, found: Some(seen) };
    let (client, before) = (9, end + Duration::from_millis(1));
    let look = Operation {
        client,
        key: key.clone(),
        invoked: before,
        completed: before,
        call: Call::Read,
        outcome: read,
    };
    history.operations.push(look);
    history.operations.push(Operation { client, key, invoked, completed, call, outcome });
    found(&history, |v| matches!(v, Violation::ConflictWithoutCause(_)));
    // By values alone only where no unanswered write may have come and gone.
    history.operations.retain(|op| op.outcome != Outcome::Unknown);
    history.operations.retain(|op| op.invoked > end);
    let Outcome::Read { .. } = history.operations[0].outcome else { panic!("the look is left") };
    let written = Operation {
        call: Call::Put { value: seen.value, expect: Expect::Anything },
        outcome: Outcome::Applied(1),
        invoked: Duration::ZERO,
        completed: Duration::ZERO,
        ..history.operations[0].clone()
    };
    history.operations.push(written);
    assert_eq!(verdicts(&history), [Verdict::Not]);
}

#[test]
fn a_gap_a_repetition_and_a_wrong_order_of_a_watch_are_found() {
    let history = busy();
    let mut gap = history.clone();
    gap.watches[0].changes.remove(7);
    found(&gap, |v| matches!(v, Violation::Watch { watch: 0, .. }));
    let mut twice = history.clone();
    let again = twice.watches[1].changes[3].clone();
    twice.watches[1].changes.insert(3, again);
    found(&twice, |v| matches!(v, Violation::Watch { watch: 1, .. }));
    let mut order = history.clone();
    order.watches[0].changes.swap(4, 5);
    found(&order, |v| matches!(v, Violation::Backwards { .. }));
    let mut short = history;
    short.watches[0].changes.truncate(9);
    assert_eq!(witness::check(&short), [], "a watch may end at any time");
}

#[test]
fn what_is_missing_at_the_end_is_found() {
    let mut history = busy();
    history.ending.entries.pop_first();
    found(&history, |v| matches!(v, Violation::Ending { left: None, .. }));
}

#[test]
fn a_long_history_is_checked_in_no_time() {
    let wishes: Vec<Wish> = (0..100_000_u32)
        .map(|n| {
            (
                n * 7,
                u64::from(n * 13 % 11),
                u64::from(n * 5 % 7),
                n.wrapping_mul(29).to_le_bytes()[0],
            )
        })
        .collect();
    let history = serve(&wishes, 8, 16);
    let start = Instant::now();
    assert_eq!(witness::check(&history), []);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
