//! A run from its beginning to its end: connect, measure, harm, heal.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use crate::fault::Fault;
use crate::invariants::disagreement;
use crate::report::{Report, percentile, resident};
use crate::time::SimTime;
use crate::world::World;

/// A cluster that does not agree for so long, with nothing wrong, has not healed.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often agreement is looked for.
const STEP: Duration = Duration::from_millis(100);
/// What is not known everywhere by then counts as missed.
const SETTLE: Duration = Duration::from_secs(2);
/// Who has not noticed a death by then has not noticed it.
const NOTICED: Duration = Duration::from_secs(20);
/// With more hosts the invariants that are looked at all the time would take most of it.
pub(crate) const STRICT: usize = 64;
/// With more hosts the run begins with a cluster that has been running: for all of them to meet
/// at once takes most of the time, and never happens.
const WARM: usize = 2_000;
/// So many hosts are on each network of a large cluster, unless another number is wanted.
const USUAL: usize = 50;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Everything random comes from it.
    pub seed: u64,
    /// Hosts.
    pub nodes: usize,
    /// Networks.
    pub networks: usize,
    /// So many hosts on each network, drawn by lot; 0: all on the first, and half of them on each
    /// other one.
    pub participants: usize,
    /// So many workloads run on each host from the beginning.
    pub workloads: usize,
    /// Packets lost, in percent.
    pub loss: u32,
    /// How long the cluster is left alone before anything is measured: news of the start are
    /// passed on for a while.
    pub settle: Duration,
    /// Changes to be timed.
    pub changes: usize,
    /// Changes per second, on hosts drawn by lot.
    pub rate: u32,
    /// Hosts that die, one after another, to see when the others notice.
    pub crashes: usize,
    /// How long things go wrong.
    pub harm: Duration,
    /// How long half of the cluster does not see the other.
    pub split: Duration,
    /// Up to so many hosts every two are connected.
    pub mesh: usize,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            seed: 1,
            nodes: 12,
            networks: 2,
            participants: 0,
            workloads: 0,
            loss: 0,
            settle: Duration::ZERO,
            changes: 20,
            rate: 10,
            crashes: 0,
            harm: Duration::ZERO,
            split: Duration::ZERO,
            mesh: weft_membership::Settings::default().mesh,
        }
    }
}

impl Scenario {
    /// On one network of ten thousand hosts each would hear of each: more than fits into one
    /// machine, and more than networks are made for. So a large cluster has many of a usual size.
    #[must_use]
    pub fn on_usual_networks(self) -> Self {
        if self.nodes <= WARM || self.participants > 0 {
            return self;
        }
        Self { networks: self.nodes.div_ceil(USUAL), participants: USUAL, ..self }
    }

    /// A small cluster of some kind with some kind of trouble, both drawn from the seed.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        let mut dice = Pcg64Mcg::seed_from_u64(!seed);
        let nodes = dice.random_range(2..24);
        let split = dice.random_ratio(1, 4);
        Self {
            seed,
            nodes,
            networks: dice.random_range(1..5),
            loss: dice.random_range(0..4) * 5,
            changes: 4,
            rate: 20,
            harm: Duration::from_secs(if split { 0 } else { 20 }),
            split: Duration::from_secs(if split { 30 } else { 0 }),
            // In every other cluster nobody relies on connections.
            mesh: if dice.random() { usize::MAX } else { 0 },
            ..Self::default()
        }
    }
}

/// Runs it.
#[must_use]
pub fn run(scenario: &Scenario) -> Report {
    let mut world = World::new(scenario);
    world.watch.strict = scenario.nodes <= STRICT;
    begin(&mut world, scenario);
    let began = agree(&mut world);
    world.run_for(scenario.settle);
    let mut report = measure(&mut world, scenario);
    crashes(&mut world, scenario, &mut report);
    let harmed = !(scenario.harm.is_zero() && scenario.split.is_zero());
    world.underlay.unruly = harmed;
    if harmed {
        harm(&mut world, scenario.harm);
        split(&mut world, scenario.split);
    }
    let healed = agree(&mut world);
    world.watch.look_back(world.ledger.as_ref());
    let violation = world.watch.violation.as_ref().map(ToString::to_string);
    Report {
        heal_ms: healed.filter(|_| harmed).map(|span| span.as_secs_f64() * 1e3),
        healed: began.is_some() && healed.is_some(),
        violation: violation.or_else(|| disagreement(&world).map(|found| found.to_string())),
        trace_hash: format!("{:016x}", world.watch.trace_hash()),
        seconds: world.now.since(SimTime::default()).as_secs_f64(),
        faults: world.watch.faults,
        bytes_of_memory_per_node: resident() / (scenario.nodes.max(1) as u64),
        ..report
    }
}

fn begin(world: &mut World, scenario: &Scenario) {
    let networks = world.networks.clone();
    for (nth, network) in networks.into_iter().enumerate() {
        if scenario.participants > 0 {
            for _ in 0..scenario.participants {
                let at = world.dice.random_range(0..world.nodes.len());
                world.join(at, network);
            }
            continue;
        }
        for at in 0..world.nodes.len() {
            if nth == 0 || world.dice.random_bool(0.5) {
                world.join(at, network);
            }
        }
    }
    (0..world.nodes.len()).for_each(|at| world.stock(at, scenario.workloads));
    if world.nodes.len() > WARM {
        world.start_all_warm();
    } else {
        (0..world.nodes.len()).for_each(|at| world.start(at));
    }
}

/// How long it took until all agreed; absent: they do not.
fn agree(world: &mut World) -> Option<Duration> {
    let since = world.now;
    while world.now.since(since) < PATIENCE {
        if world.is_calm() && disagreement(world).is_none() {
            return Some(world.now.since(since));
        }
        world.run_for(STEP);
    }
    None
}

fn measure(world: &mut World, scenario: &Scenario) -> Report {
    world.watch.measure_anew();
    let (began, mut wanted) = (world.now, 0);
    for _ in 0..scenario.changes {
        wanted += change(world, scenario);
        world.run_for(Duration::from_secs(1) / scenario.rate.max(1));
    }
    world.run_for(SETTLE);
    measured(world, scenario, (began, wanted))
}

/// A workload starts; answers how many hosts are to know of it.
fn change(world: &mut World, scenario: &Scenario) -> usize {
    let which = if scenario.participants > 0 { world.networks.len() } else { 1 };
    let which = world.dice.random_range(0..which.max(1));
    let Some(network) = world.networks.get(which).copied() else { return 0 };
    let on_it: Vec<usize> = world.participants(network);
    let at = world.dice.random_range(0..on_it.len().max(1));
    let started = on_it.get(at).and_then(|at| world.start_workload(*at, network));
    started.map_or(0, |_| on_it.len().saturating_sub(1))
}

fn measured(world: &mut World, scenario: &Scenario, (began, wanted): (SimTime, usize)) -> Report {
    #![expect(clippy::cast_precision_loss, reason = "rates, for people")]
    let seconds = world.now.since(began).as_secs_f64() * scenario.nodes.max(1) as f64;
    let mut latencies = std::mem::take(&mut world.watch.latencies);
    latencies.sort_unstable();
    Report {
        seed: scenario.seed,
        nodes: scenario.nodes,
        loss: scenario.loss,
        changes: scenario.changes,
        missed: wanted.saturating_sub(latencies.len()),
        p50_ms: percentile(&latencies, 50),
        p99_ms: percentile(&latencies, 99),
        max_ms: percentile(&latencies, 100),
        bytes_per_second_per_node: world.watch.bytes as f64 / seconds,
        packets_per_second_per_node: world.watch.messages as f64 / seconds,
        false_alarms: world.watch.alarms,
        ..Report::default()
    }
}

/// Hosts die one after another, and come back.
fn crashes(world: &mut World, scenario: &Scenario, report: &mut Report) {
    world.watch.detections.clear();
    for _ in 0..scenario.crashes {
        let at = world.dice.random_range(0..world.nodes.len());
        let Some(id) = world.nodes.get(at).map(|node| node.id) else { continue };
        world.watch.dies(world.now, id);
        world.crash(at);
        world.run_for(NOTICED);
        world.start(at);
        world.run_for(NOTICED / 2);
    }
    let mut detections = std::mem::take(&mut world.watch.detections);
    detections.sort_unstable();
    let wanted = scenario.crashes * scenario.nodes.saturating_sub(1);
    report.undetected = wanted.saturating_sub(detections.len());
    report.detect_p50_ms = percentile(&detections, 50);
    report.detect_max_ms = percentile(&detections, 100);
    report.false_alarms = world.watch.alarms;
}

/// Things go wrong one after another, and people go on working.
fn harm(world: &mut World, span: Duration) {
    let since = world.now;
    while world.now.since(since) < span && world.watch.violation.is_none() {
        let fault = Fault::draw(&mut world.dice);
        world.harm(fault);
        for _ in 0..world.dice.random_range(1..8) {
            world.work();
            let pause = Duration::from_millis(world.dice.random_range(0..400));
            world.run_for(pause);
        }
    }
    world.heal();
    world.wake_all();
}

fn split(world: &mut World, span: Duration) {
    if span.is_zero() {
        return;
    }
    world.split();
    world.watch.faults += 1;
    let since = world.now;
    while world.now.since(since) < span {
        world.work();
        world.run_for(Duration::from_millis(100));
    }
    world.heal();
}

impl std::fmt::Display for Scenario {
    /// What to type to see it again.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "cargo run --release -p weft-sim -- --seed {} --nodes {} --networks {} --participants {} \
             --workloads {} --loss {} --settle {} --changes {} --rate {} --crashes {} --harm {} \
             --split {} --mesh {}",
            self.seed,
            self.nodes,
            self.networks,
            self.participants,
            self.workloads,
            self.loss,
            self.settle.as_secs(),
            self.changes,
            self.rate,
            self.crashes,
            self.harm.as_secs(),
            self.split.as_secs(),
            self.mesh
        )
    }
}
