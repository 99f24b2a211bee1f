//! Agents come and go, their programs and tables change, and no packet is lost by it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    missing_docs,
    dead_code,
    unreachable_pub,
    reason = "integration tests"
)]

mod support;

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use support::pair::{PATIENCE, Side, pair_by, pair_of, socket as datagrams};
use support::programs::{attachments, takes_programs};
use support::{reach, root};
use weft_kernel::{Kernel, Linux};
use weft_path::Reason;
use weft_plan::{Engine, Plan, diff};

/// Between two datagrams: a thousand a second or so, on a busy machine too.
const PACE: Duration = Duration::from_millis(1);
/// So many pass before and after what is done meanwhile.
const SOME: u64 = 100;
/// In place of a number: there are no more.
const END: u64 = u64::MAX;
/// In place of a number: whether anything arrives yet. An interface that has just come up drops what
/// is sent until its kernel has noticed that it is up.
const BEGINNING: u64 = END - 1;

/// Datagrams with numbers, while something is done.
struct Flow<'a> {
    sender: &'a UdpSocket,
    receiver: &'a UdpSocket,
    sent: AtomicU64,
    received: AtomicU64,
    ended: AtomicBool,
}

impl Flow<'_> {
    fn begin(&self, to: &str) {
        let deadline = Instant::now() + PATIENCE;
        self.receiver.set_read_timeout(Some(10 * PACE)).unwrap();
        while self.receiver.recv_from(&mut [0; 8]).is_err() {
            assert!(Instant::now() < deadline, "nothing arrives at all");
            self.sender.send_to(&BEGINNING.to_be_bytes(), to).unwrap();
        }
        self.receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    }

    fn send(&self, to: &str) {
        while !self.ended.load(Ordering::Relaxed) {
            let number = self.sent.load(Ordering::Relaxed);
            self.sender.send_to(&number.to_be_bytes(), to).unwrap();
            self.sent.store(number + 1, Ordering::Relaxed);
            std::thread::sleep(PACE);
        }
        self.sender.send_to(&END.to_be_bytes(), to).unwrap();
    }

    /// Each number once, in order; the first that is not says which is lost.
    fn receive(&self) {
        loop {
            let mut bytes = [0; 8];
            let expected = self.received.load(Ordering::Relaxed);
            self.receiver.recv_from(&mut bytes).unwrap_or_else(|e| panic!("{expected}: {e}"));
            match u64::from_be_bytes(bytes) {
                END => break assert_eq!(expected, self.sent.load(Ordering::Relaxed), "the end"),
                BEGINNING => continue,
                number => assert_eq!(number, expected, "one is lost, or comes out of order"),
            }
            self.received.store(expected + 1, Ordering::Relaxed);
        }
    }

    fn wait_for_some(&self) {
        let until = self.received.load(Ordering::Relaxed) + SOME;
        let deadline = Instant::now() + PATIENCE;
        while self.received.load(Ordering::Relaxed) < until {
            assert!(Instant::now() < deadline, "nothing arrives any more");
            std::thread::sleep(PACE);
        }
    }
}

/// Does something at both hosts while numbered datagrams pass between them; all arrive.
fn lose_nothing(a: &Side, b: &Side, meanwhile: impl FnOnce()) {
    let (sender, receiver) =
        (datagrams(&a.workload, "10.9.0.1:0"), datagrams(&b.workload, "10.9.0.2:7000"));
    let flow = Flow {
        sender: &sender,
        receiver: &receiver,
        sent: AtomicU64::new(0),
        received: AtomicU64::new(0),
        ended: AtomicBool::new(false),
    };
    flow.begin("10.9.0.2:7000");
    std::thread::scope(|scope| {
        scope.spawn(|| flow.send("10.9.0.2:7000"));
        scope.spawn(|| flow.receive());
        let _ends = Ends(&flow.ended);
        flow.wait_for_some();
        meanwhile();
        flow.wait_for_some();
    });
}

/// Ends a flow, also when something fails meanwhile.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn agent(side: &Side) -> Linux {
    side.host.next()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work))
}

/// The sets of tables that there are.
fn sets(side: &Side) -> Vec<String> {
    let entries = std::fs::read_dir(side.host.pins()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("maps-")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_comes_back_changes_nothing_and_loses_nothing() {
    if !takes_programs().await {
        return;
    }
    for by in attachments() {
        let (a, b) = pair_by(by, Engine::Bpf, Engine::Bpf).await;
        lose_nothing(&a, &b, || {
            for _ in 0..3 {
                for side in [&a, &b] {
                    let observed = block_on(agent(side).observe()).unwrap();
                    assert_eq!(diff(&side.desired, &observed), Plan::default());
                }
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_change_their_size_under_way_and_keep_rows_and_counts() {
    if !takes_programs().await {
        return;
    }
    for by in attachments() {
        let (a, b) = pair_by(by, Engine::Bpf, Engine::Bpf).await;
        datagrams(&a.workload, "10.9.0.1:0").send_to(b"who?", "10.9.0.99:7000").unwrap();
        let lost = |drops: &std::collections::BTreeMap<_, u64>| drops[&Reason::UnknownAddress];
        let deadline = Instant::now() + PATIENCE;
        while lost(&a.host.linux.drops().await.unwrap()) == 0 {
            assert!(Instant::now() < deadline, "nobody asks for 10.9.0.99");
        }
        lose_nothing(&a, &b, || {
            for room in [1 << 10, 1 << 16, 1 << 12] {
                for side in [&a, &b] {
                    let next = agent(side).with_room(room);
                    let plan = block_on(reach(&next, &side.desired)).to_string();
                    assert!(plan.starts_with("guard every interface"), "{plan}");
                    assert!(!plan.contains("shared"), "its device stays: {plan}");
                    let homes = block_on(next.tables()).unwrap()[0];
                    assert_eq!((homes.rows, homes.most), (2, room.into()));
                    assert_eq!(sets(side), [format!("maps-3-{room}")]);
                }
            }
        });
        let last = agent(&a).with_room(1 << 12);
        last.observe().await.unwrap();
        assert!(lost(&last.drops().await.unwrap()) >= 1, "what was dropped before stays counted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_another_layout_are_whole_before_a_program_reads_them() {
    if !takes_programs().await {
        return;
    }
    for by in attachments() {
        let (a, b) = pair_by(by, Engine::Bpf, Engine::Bpf).await;
        lose_nothing(&a, &b, || {
            for side in [&a, &b] {
                // As if the rows of these had another form by now: nobody can take them over.
                let [set] = &sets(side)[..] else { panic!("one set") };
                for table in ["homes", "neighbors", "members", "ports", "vnis", "peers"] {
                    std::fs::remove_file(side.host.pins().join(set).join(table)).unwrap();
                }
                let next = agent(side).with_room(1 << 11);
                let before = block_on(next.observe()).unwrap();
                let plan = diff(&side.desired, &before);
                assert!(plan.to_string().lines().count() > 4, "all is written anew: {plan}");
                assert!(block_on(next.apply(&plan)).failures.is_empty());
                let after = block_on(next.observe()).unwrap();
                assert_eq!(diff(&side.desired, &after), Plan::default());
                assert_eq!(sets(side), ["maps-3-2048"]);
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_table_is_told_with_what_to_try_and_the_rest_goes_on() {
    if !takes_programs().await {
        return;
    }
    let (a, b) = pair_of(Engine::Bpf, Engine::Bpf).await;
    let next = agent(&a).with_room(2);
    reach(&next, &a.desired).await;
    let mut more = a.desired.clone();
    let segment = more.segments.values_mut().next().unwrap();
    for last in 3..6 {
        segment.fdb.insert(support::pair::mac(last), *segment.fdb.values().next().unwrap());
    }
    let applied = next.apply(&diff(&more, &next.observe().await.unwrap())).await;
    assert_eq!(applied.failures.len(), 3, "{applied:#?}");
    let error = &applied.failures[0].error;
    assert_eq!(root(error), "the table of homes is full, with 2 rows");
    assert!(error.hint().contains("--table-rows"), "{}", error.hint());
    lose_nothing(&a, &b, || {});
    reach(&agent(&a).with_room(64), &more).await;
}
