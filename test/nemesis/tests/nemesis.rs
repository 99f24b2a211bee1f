//! A short run of everything; `make jepsen` is a long one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::print_stdout,
    reason = "integration tests"
)]

use std::path::PathBuf;
use std::time::Duration;

use weft_nemesis::{Fault, Kind, Outcome, Plan, run};

async fn check(kind: Kind, faults: Vec<Fault>) -> Outcome {
    let plan = Plan {
        kind,
        managers: 3,
        time: Duration::from_secs(10),
        faults,
        seed: u64::from(std::process::id()),
        program: PathBuf::from(env!("CARGO_BIN_EXE_weft-nemesis")),
    };
    let outcome = run(&plan).await.unwrap_or_else(|error| panic!("seed {}: {error:#}", plan.seed));
    println!("{kind:?}: {outcome:?}");
    assert!(outcome.violations.is_empty(), "seed {}: {:#?}", plan.seed, outcome.violations);
    assert!(outcome.acknowledged > 100, "clients got something done");
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn managers_that_agree_by_raft_are_linearizable() {
    check(Kind::Raft, vec![Fault::Kill, Fault::Pause, Fault::OneWay]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn managers_that_ask_an_etcd_are_linearizable() {
    check(Kind::Etcd, vec![Fault::Kill, Fault::Pause, Fault::Cut]).await;
}
