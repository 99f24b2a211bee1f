//! One run: managers, clients, faults one after another, and the judgement.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use serde::Serialize;
use tokio::time::sleep;
use weft_linear::{Ending, History, register, witness};
use weft_registry::{Committed, Op, Txn};

use crate::client::{self, Common, GUARD, PREFIX, seen};
use crate::fault::Fault;
use crate::field::{Field, Kind, lab};
use crate::protocol::{Answer, Ask};
use crate::recorder::{self, Reference};

const CLIENTS: u32 = 6;
/// How long a fault lasts, and how long it is quiet afterwards.
const FAULT: Duration = Duration::from_millis(2_500);
const QUIET: Duration = Duration::from_millis(1_000);
/// The search for an order of one entry's operations is given up after so many steps.
const STEPS: usize = 2_000_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What keeps the store.
    pub kind: Kind,
    /// How many managers there are.
    pub managers: u8,
    /// How long clients go on.
    pub time: Duration,
    /// What happens meanwhile, in an order of the seed's choice.
    pub faults: Vec<Fault>,
    /// Repeats the choices, though not what the machine does with them.
    pub seed: u64,
    /// The program that runs as a manager.
    pub program: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    /// Operations in the history.
    pub operations: usize,
    /// Writes that were acknowledged.
    pub acknowledged: usize,
    /// Writes of which nobody knows.
    pub unknown: usize,
    /// Changes that happened.
    pub changes: usize,
    /// What went wrong, how often.
    pub faults: BTreeMap<String, usize>,
    /// Contradictions.
    pub violations: Vec<String>,
    /// Entries for whose operations the search was given up.
    pub undecided: usize,
}

/// Runs it.
///
/// # Errors
///
/// If the managers cannot be started, or do not all answer again after the last fault.
pub async fn run(plan: &Plan) -> anyhow::Result<Outcome> {
    let lab = lab(plan.managers).await?;
    let mut field = Field::new(&lab, plan.kind, &plan.program).await?;
    field.answers().await?;
    let begin = guard(&field).await?;
    let common = Arc::new(Common::new(field.managers.clone()));
    let netns = field.clients.clone();
    let reference = Reference::start(netns.clone(), Arc::clone(&common), begin);
    let watches: Vec<_> = field
        .managers
        .iter()
        .take(2)
        .map(|manager| recorder::start(netns.clone(), Arc::clone(&common), *manager, begin))
        .collect();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| client::start(netns.clone(), Arc::clone(&common), number, plan.seed))
        .collect();
    let faults = harm(&mut field, plan).await?;
    field.answers().await?;
    sleep(QUIET).await;
    common.ends.store(true, Ordering::Relaxed);
    let mut history = History::default();
    for client in clients {
        let operations = client.join().map_err(|_panic| anyhow::anyhow!("a client panicked"))??;
        history.operations.extend(operations);
    }
    history.ending = ending(&field).await?;
    wait_for(&reference, &history.ending, &common).await?;
    history.changes = reference.end()?;
    for watch in watches {
        let told = watch.join().map_err(|_panic| anyhow::anyhow!("a watch panicked"))??;
        history.watches.extend(told);
    }
    drop(field);
    lab.down().await?;
    Ok(Outcome { faults, ..judge(&history) })
}

/// An entry that is there from the beginning; history begins behind it.
async fn guard(field: &Field<'_>) -> anyhow::Result<u64> {
    let put = Op::Put { key: GUARD.into(), value: b"guard".to_vec(), lease: None };
    let txn = Txn { conditions: Vec::new(), ops: vec![put] };
    let manager = *field.managers.first().context("there are managers")?;
    match field.ask(manager, Ask::Commit(txn)).await? {
        Answer::Committed(Committed::Applied(revision)) => Ok(revision),
        other => anyhow::bail!("the first write is not done: {other:?}"),
    }
}

async fn harm(field: &mut Field<'_>, plan: &Plan) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut random = Pcg64::seed_from_u64(plan.seed);
    let mut happened: BTreeMap<String, usize> = BTreeMap::new();
    let (began, mut left) = (Instant::now(), Vec::new());
    while began.elapsed() < plan.time && !plan.faults.is_empty() {
        sleep(QUIET).await;
        if left.is_empty() {
            left.clone_from(&plan.faults);
        }
        let fault = left.swap_remove(random.random_range(0..left.len()));
        fault.happen(field, &mut random, FAULT).await?;
        *happened.entry(format!("{fault:?}")).or_default() += 1;
    }
    Ok(happened)
}

async fn ending(field: &Field<'_>) -> anyhow::Result<Ending> {
    let mut endings = Vec::new();
    for manager in &field.managers {
        let Answer::Range(snapshot) = field.ask(*manager, Ask::Range(PREFIX.into())).await? else {
            anyhow::bail!("{manager} does not answer at the end");
        };
        let entries = snapshot.entries.into_iter();
        let entries = entries.filter_map(|e| Some((e.key, seen(&e.value, e.modified)?)));
        endings.push(Ending { revision: snapshot.revision, entries: entries.collect() });
    }
    let first = endings.first().cloned().context("there are managers")?;
    let same = endings.iter().all(|ending| ending.entries == first.entries);
    ensure!(same, "the managers do not agree at the end");
    Ok(first)
}

/// The reference has to tell everything that is there.
async fn wait_for(reference: &Reference, ending: &Ending, common: &Common) -> anyhow::Result<()> {
    let last = ending.entries.values().map(|seen| seen.modified).max().unwrap_or(0);
    let began = Instant::now();
    while reference.last() < last {
        let told = || format!("revision {last} is not told, the last is {}", reference.last());
        ensure!(began.elapsed() < PATIENCE, told());
        sleep(Duration::from_millis(20)).await;
    }
    common.close();
    Ok(())
}

fn judge(history: &History) -> Outcome {
    let is = |outcome: fn(&weft_linear::Outcome) -> bool| {
        history.operations.iter().filter(|op| outcome(&op.outcome)).count()
    };
    let mut violations: Vec<String> =
        witness::check(history).iter().map(ToString::to_string).collect();
    let mut undecided = 0;
    for (key, operations) in history.by_key() {
        match register::check(&operations, STEPS) {
            register::Verdict::Linearizable => {}
            register::Verdict::Undecided => undecided += 1,
            register::Verdict::Not => violations.push(format!("no order explains {key}")),
        }
    }
    Outcome {
        operations: history.operations.len(),
        acknowledged: is(|outcome| matches!(outcome, weft_linear::Outcome::Applied(_))),
        unknown: is(|outcome| *outcome == weft_linear::Outcome::Unknown),
        changes: history.changes.len(),
        violations,
        undecided,
        ..Outcome::default()
    }
}
