//! Five managers and a worker, the agent as it is, under every fault once, while clients write and read at
//! all hosts. Afterwards: could what they were told have happened, one command after another; is anything
//! gone that was acknowledged; do all hosts agree? Once with the registry on the managers' disks, once in an
//! etcd on three of the hosts, which is harmed, too.
//!
//! `WEFT_SEED=7 cargo test -p weft-e2e --test faults -- --test-threads=1` takes the faults in another order.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "integration tests, which say what they saw"
)]

mod etcds;
mod fault;
mod field;
mod names;
mod workloads;

use std::time::Duration;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64;
use weft_e2e::{Cluster, eventually, holds};
use weft_linear::register::{self, Verdict};
use weft_linear::{History, Outcome};

use etcds::Etcds;
use fault::Fault;
use field::Field;

/// Longer than all hosts together take to agree again, on a busy machine.
const HEALED: Duration = Duration::from_secs(60);
/// Between two faults.
const QUIET: Duration = Duration::from_secs(1);
/// The search for an order of one name's commands is given up after so many steps.
const STEPS: usize = 2_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn under_every_fault_what_clients_are_told_could_have_happened_and_nothing_is_lost() {
    let cluster = field::hosts().await;
    field::form(&cluster, "embedded").await;
    under_every_fault(&cluster, None).await;
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_holds_if_an_etcd_keeps_the_registry() {
    let cluster = field::hosts().await;
    let etcds = Etcds::start(&cluster).await;
    field::form(&cluster, &etcds.store()).await;
    under_every_fault(&cluster, Some(etcds)).await;
    cluster.down().await.unwrap();
}

async fn under_every_fault(cluster: &Cluster, mut etcds: Option<Etcds<'_>>) {
    let seed = std::env::var("WEFT_SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut random = Pcg64::seed_from_u64(seed);
    let field = Field::start(cluster, seed).await;
    let mut faults = Fault::ALL.to_vec();
    faults.extend(etcds.iter().flat_map(|_etcds| Fault::OF_ETCD));
    faults.shuffle(&mut random);
    println!("seed {seed}: {faults:?}");
    for fault in faults {
        tokio::time::sleep(QUIET).await;
        fault.happen(cluster, etcds.as_mut(), &mut random).await.unwrap();
    }
    for host in cluster.lab.hosts() {
        host.heal().await.unwrap();
        eventually(HEALED, || field::confirmed(cluster, host)).await.unwrap();
    }
    eventually(HEALED, || cluster.agree_on_nodes()).await.unwrap();
    let seen = field.finish().await;
    assert!(seen.returned.is_empty(), "removed networks are back: {:#?}", seen.returned);
    println!("{} commands: {:?}", seen.history.operations.len(), counted(&seen.history));
    linearizable(&seen.history, seed);

    // What a majority has is what every host knows, and what was attached is where it was attached.
    let (made, attached) = (seen.left, seen.attached);
    for host in cluster.lab.hosts() {
        eventually(HEALED, || async {
            let known = cluster.networks(host).await?;
            holds(known == made, || format!("{}: {known:?}, but {made:?}", host.name()))
        })
        .await
        .unwrap();
    }
    println!("{} networks and {} endpoints are left", made.len(), attached.len());
    let attached: Vec<&str> = attached.iter().map(String::as_str).collect();
    eventually(HEALED, || cluster.agree_on_endpoints(&attached)).await.unwrap();
    for host in cluster.lab.hosts() {
        let name = format!("after-{}", host.name());
        host.run(&["weft", "network", "create", &name]).await.unwrap();
    }
}

/// How often each thing came of a command.
fn counted(history: &History) -> [(&'static str, usize); 5] {
    let count = |is: fn(&Outcome) -> bool| {
        history.operations.iter().filter(|operation| is(&operation.outcome)).count()
    };
    [
        ("read", count(|outcome| matches!(outcome, Outcome::Read { .. }))),
        ("done", count(|outcome| matches!(outcome, Outcome::Applied(_)))),
        ("conflict", count(|outcome| *outcome == Outcome::Conflict)),
        ("refused", count(|outcome| *outcome == Outcome::Refused)),
        ("unknown", count(|outcome| *outcome == Outcome::Unknown)),
    ]
}

#[track_caller]
fn linearizable(history: &History, seed: u64) {
    let [(_, reads), (_, done), ..] = counted(history);
    assert!(
        reads > 30 && done > 30,
        "clients got hardly anything done: {reads} reads, {done} writes"
    );
    let mut undecided = 0;
    for (name, operations) in history.by_key() {
        match register::check(&operations, STEPS) {
            Verdict::Linearizable => {}
            Verdict::Undecided => undecided += 1,
            Verdict::Not => panic!("seed {seed}: no order explains {name}: {operations:#?}"),
        }
    }
    println!("{undecided} of {} names are undecided", history.by_key().len());
    assert!(undecided * 10 <= history.by_key().len(), "most of the history has to be judged");
}
