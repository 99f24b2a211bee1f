//! Makes the kernel what the cluster means, again and again.
//!
//! The kernel is read, not remembered: each pass dumps what is there, takes the difference to what
//! is desired and applies it. A pass is due when what is desired changes, when the kernel says
//! that somebody touched something, and every 30 s all the same.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::watch;
use weft_events::Change;
use weft_kernel::{Applied, Disturbance, Kernel};
use weft_plan::{Desired, GateSeen, Observed, Plan, diff};

use crate::events::EventsHandle;
use crate::metrics::Counters;
use crate::pause::Pause;
use crate::problem::chain;

/// A pass is due this long after the last one, whatever happens.
const INTERVAL: Duration = Duration::from_secs(30);
/// Disturbances within this time are looked into together.
const SETTLE: Duration = Duration::from_millis(20);
/// Pause before a pass is tried again that left something undone.
const RETRY: Duration = Duration::from_secs(1);

/// What should be in the kernel, and the number of times that this has changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    /// Counts the changes; a pass that began later than a change carries its number.
    pub(crate) generation: u64,
    /// What should be there.
    pub(crate) desired: Arc<Desired>,
    /// Remote entries of owners that have not spoken yet since this agent started stay as they
    /// are: the kernel remembers them for us, so that a restart loses no packet.
    pub(crate) unheard: Arc<crate::adopt::Unheard>,
}

/// What a pass found and did.
#[derive(Clone, Debug)]
pub(crate) struct Reconciled {
    /// Of the target that the pass was about.
    pub(crate) generation: u64,
    /// When it ended.
    pub(crate) at: SystemTime,
    /// How long it took.
    pub(crate) took: Duration,
    /// Changes made by this and all earlier passes.
    pub(crate) changes: u64,
    /// The guard as the pass found it.
    pub(crate) gate: GateSeen,
    /// What differed before the pass, in words.
    pub(crate) differences: Vec<String>,
    /// What could not be mended.
    pub(crate) failures: Vec<Failure>,
}

/// One change that the kernel refused.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The change.
    pub(crate) what: String,
    /// The kernel's reason.
    pub(crate) why: String,
    /// What to try.
    pub(crate) hint: String,
}

/// The loop's state.
#[derive(Debug)]
pub(crate) struct Reconciler<K> {
    kernel: Arc<K>,
    target: watch::Receiver<Target>,
    pause: Pause,
    done: watch::Sender<Option<Reconciled>>,
    counters: Counters,
    events: EventsHandle,
}

impl<K: Kernel> Reconciler<K> {
    /// A loop that brings `kernel` to `target` and tells in `done` how far it is, but for the time
    /// of a pause.
    pub(crate) fn new(
        kernel: Arc<K>,
        (target, pause): (watch::Receiver<Target>, Pause),
        done: watch::Sender<Option<Reconciled>>,
        (counters, events): (Counters, EventsHandle),
    ) -> Self {
        Self { kernel, target, pause, done, counters, events }
    }

    /// Runs until the target's sender is gone.
    pub(crate) async fn run(mut self) {
        let mut disturbances = self.kernel.watch();
        let mut turns = self.pause.turns();
        loop {
            if turns.wait_for(|paused| !*paused).await.is_err() {
                return;
            }
            let target = self.target.borrow_and_update().clone();
            let complete = self.pass(&target).await;
            let pause = if complete { INTERVAL } else { RETRY };
            if !self.wait((&mut disturbances, &mut turns), pause).await {
                return;
            }
        }
    }

    /// One pass; says whether the kernel is as desired after it, as far as can be told.
    async fn pass(&mut self, target: &Target) -> bool {
        let began = Instant::now();
        let (plan, gate, mut failures) = match self.kernel.observe().await {
            Ok(observed) => (plan(target, &observed), observed.gate, Vec::new()),
            Err(error) => {
                let failure = failure("read the kernel's state", &error, error.hint());
                (Plan::default(), GateSeen::Missing, vec![failure])
            }
        };
        let expected = self.done.borrow().as_ref().is_none_or(|d| d.generation < target.generation);
        let differences: Vec<String> = plan.changes.iter().map(ToString::to_string).collect();
        self.tell_differences(expected, &differences);
        let applied = self.kernel.apply(&plan).await;
        failures.extend(
            applied
                .failures
                .iter()
                .map(|f| failure(&f.change.to_string(), &f.error, f.error.hint())),
        );
        for Failure { what, why, hint } in &failures {
            tracing::warn!(what, why, hint, "a change was not made; it will be tried again");
            self.events.note(Change::KernelRefused { change: what.clone(), reason: why.clone() });
        }
        self.counters.passes.inc();
        self.counters.failures.inc_by(failures.len() as u64);
        self.counters.changes.inc_by(applied_changes(&plan, &applied));
        let complete = failures.is_empty();
        self.done.send_replace(Some(Reconciled {
            generation: target.generation,
            at: SystemTime::now(),
            took: began.elapsed(),
            changes: self.counters.changes.get(),
            gate,
            differences,
            failures,
        }));
        complete
    }

    /// What is to be programmed is expected when the target has changed; else it is drift.
    fn tell_differences(&self, expected: bool, differences: &[String]) {
        if expected && !differences.is_empty() {
            self.events.note(Change::KernelApplied { changes: differences.to_vec() });
        }
        for difference in differences.iter().filter(|_| !expected) {
            self.counters.drift.inc();
            tracing::warn!(difference, "the kernel differed from what the cluster means");
            self.events.note(Change::KernelDrift { difference: difference.clone() });
        }
    }

    /// Waits for a reason for the next pass; `false`: there is no target any more. The end of a pause
    /// is one: of what has changed in tables of programs nobody is told.
    async fn wait(
        &mut self,
        (disturbances, turns): (&mut BoxStream<'static, Disturbance>, &mut watch::Receiver<bool>),
        pause: Duration,
    ) -> bool {
        tokio::select! {
            turned = turns.changed() => turned.is_ok(),
            changed = self.target.changed() => changed.is_ok(),
            Some(_disturbance) = disturbances.next() => {
                tokio::time::sleep(SETTLE).await;
                true
            }
            () = tokio::time::sleep(pause) => true,
        }
    }
}

/// What is to be done so that `observed` becomes what the target wants.
pub(crate) fn plan(target: &Target, observed: &Observed) -> Plan {
    if target.unheard.is_empty() {
        return diff(&target.desired, observed);
    }
    let mut desired = Desired::clone(&target.desired);
    crate::adopt::adopt(&mut desired, observed, &target.unheard);
    diff(&desired, observed)
}

fn applied_changes(plan: &Plan, applied: &Applied) -> u64 {
    plan.changes.len().saturating_sub(applied.failures.len()) as u64
}

fn failure(what: &str, error: &dyn std::error::Error, hint: impl Into<String>) -> Failure {
    Failure { what: what.to_owned(), why: chain(error).join(": "), hint: hint.into() }
}
