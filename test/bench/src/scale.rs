//! How much one host takes: a hundred thousand endpoints, a thousand networks, ten thousand changes
//! at once, and an agent that comes back to all that.
//!
//! What is timed is what the agent does with the kernel: it looks, compares and applies, as in each
//! of its passes. Two hosts are namespaces here, with a workload each, whose conversation is timed
//! while the tables are small and while they are full.

mod hosts;
mod report;
mod sizes;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use weft_kernel::{Kernel as _, Linux};
use weft_plan::{Desired, Plan, diff};

use crate::awake::Awake;
use crate::datapath::{SPAN, request};
use hosts::{Host, Pair};
use report::Report;

/// How often everything is repeated.
const REPETITIONS: usize = 5;
/// Where the figures go.
const FILE: &str = "target/bench/scale.json";

/// Measures, prints, and writes the figures.
pub(crate) async fn measure() -> anyhow::Result<()> {
    let mut report = Report::default();
    let _awake = Awake::please();
    for repetition in 0..REPETITIONS {
        println!("repetition {} of {REPETITIONS}", repetition + 1);
        endpoints(&mut report).await?;
        networks(&mut report).await?;
    }
    report.print();
    report.write(Path::new(FILE))
}

/// What one pass took.
struct Pass {
    look: Duration,
    plan: Duration,
    apply: Duration,
    changes: usize,
}

impl Pass {
    fn whole(&self) -> Duration {
        self.look + self.plan + self.apply
    }
}

async fn pass(linux: &Linux, desired: &Desired) -> anyhow::Result<Pass> {
    let began = Instant::now();
    let observed = linux.observe().await?;
    let look = began.elapsed();
    let plan: Plan = diff(desired, &observed);
    let planned = began.elapsed();
    let applied = linux.apply(&plan).await;
    let took = began.elapsed();
    if let Some(failure) = applied.failures.first() {
        anyhow::bail!("{}: {}", failure.change, failure.error);
    }
    Ok(Pass { look, plan: planned - look, apply: took - planned, changes: plan.len() })
}

/// A hundred thousand endpoints, and what becomes of them.
async fn endpoints(report: &mut Report) -> anyhow::Result<()> {
    let pair = Pair::new().await?;
    let host = &pair.near;
    let before = host.bytes().await?;
    report.add("round trip, tables empty, p50", "us", request::waits(&pair.place(), SPAN)?.at(50));
    let again = returned(host, &host.desired).await?;
    report.add("agent restarts, tables empty: until it knows them", "ms", again);
    let full = sizes::full(&host.desired);
    let programmed = pass(&host.linux, &full).await?;
    report.add("100,000 endpoints from nothing: whole pass", "ms", ms(programmed.whole()));
    report.add("100,000 endpoints from nothing: look", "ms", ms(programmed.look));
    report.add("100,000 endpoints from nothing: compare", "ms", ms(programmed.plan));
    report.add("100,000 endpoints from nothing: apply", "ms", ms(programmed.apply));
    let grown = host.bytes().await?.saturating_sub(before);
    report.add("100,000 endpoints: memory of tables", "MiB", mib(grown));
    report.add("round trip, tables full, p50", "us", request::waits(&pair.place(), SPAN)?.at(50));
    let idle = pass(&host.linux, &full).await?;
    ensure!(idle.changes == 0, "{} changes are left after a pass", idle.changes);
    report.add("a pass that finds nothing to do, tables full", "ms", ms(idle.whole()));
    let one = pass(&host.linux, &sizes::one_more(&full)).await?;
    report.add("one endpoint more, tables full: whole pass", "ms", ms(one.whole()));
    let moved = pass(&host.linux, &sizes::moved(&full)).await?;
    report.add("10,000 endpoints move at once: whole pass", "ms", ms(moved.whole()));
    report.add("10,000 endpoints move at once: apply", "ms", ms(moved.apply));
    restart(host, &sizes::moved(&full), report).await
}

/// Another agent finds all that is there, and that nothing is to be done; how long that takes, in ms.
async fn returned(host: &Host, desired: &Desired) -> anyhow::Result<f64> {
    let began = Instant::now();
    let next = Linux::at(host.netns.clone(), host.directory.path())?;
    let found = pass(&next, desired).await?;
    let took = ms(began.elapsed());
    ensure!(found.changes == 0, "an agent that comes back makes {} changes", found.changes);
    Ok(took)
}

async fn restart(host: &Host, desired: &Desired, report: &mut Report) -> anyhow::Result<()> {
    let again = returned(host, desired).await?;
    report.add("agent restarts with 100,000 rows: until it knows them", "ms", again);
    let began = Instant::now();
    let larger = Linux::at(host.netns.clone(), host.directory.path())?.with_room(1 << 18);
    pass(&larger, desired).await?;
    report.add("100,000 rows move to larger tables", "ms", ms(began.elapsed()));
    Ok(())
}

/// A thousand networks, with one endpoint elsewhere each, and then with a workload's port each.
async fn networks(report: &mut Report) -> anyhow::Result<()> {
    let pair = Pair::new().await?;
    let host = &pair.near;
    let before = host.bytes().await?;
    let many = sizes::networks(&host.desired);
    let programmed = pass(&host.linux, &many).await?;
    report.add("1,000 networks: each", "ms", ms(programmed.whole()) / sizes::NETWORKS);
    let grown = host.bytes().await?.saturating_sub(before);
    report.add(
        "1,000 networks: memory of tables, each",
        "KiB",
        mib(grown) * 1024.0 / sizes::NETWORKS,
    );
    let with_ports = pass(&host.linux, &sizes::with_ports(&many)).await?;
    let each = ms(with_ports.whole()) / f64::from(sizes::PORTS);
    report.add("workloads' ports in them: veth pair, guard and rows, each", "ms", each);
    host.linux.apply(&weft_plan::teardown(&host.linux.observe().await?)).await;
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

impl Host {
    async fn bytes(&self) -> anyhow::Result<u64> {
        let tables = self.linux.tables().await.context("read how full the tables are")?;
        Ok(tables.iter().map(|table| table.bytes).sum())
    }
}
