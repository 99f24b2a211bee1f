//! Gives the resolver new names when the kernel knows the way.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use weft_names::{Veil, Zones};

use super::Listeners;
use crate::reconcile::Reconciled;

/// A kernel that has not got there by then, or was told to stay as it is, is not waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// What names are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meant {
    /// The generation of the kernel's target that has the ways to all of them.
    pub(crate) generation: u64,
    /// The names.
    pub(crate) zones: Arc<Zones>,
    /// Whether all hosts have spoken since the agent started. Until then nothing is new, only not
    /// heard of yet, and the kernel has the ways to it from before.
    pub(crate) settled: bool,
    /// Who may ask.
    pub(crate) listeners: Arc<Listeners>,
}

/// Runs until nothing is meant any more.
///
/// Names are told before anybody can ask for them: an agent that has just started again is asked the
/// very moment it listens, and would deny what it knows.
pub(crate) async fn unveil(
    mut meant: watch::Receiver<Meant>,
    mut reconciled: watch::Receiver<Option<Reconciled>>,
    (told, listening): (watch::Sender<Arc<Zones>>, watch::Sender<Arc<Listeners>>),
) {
    let (mut veil, mut settled) = (Veil::default(), false);
    let mut until = Instant::now();
    loop {
        let reached = reconciled.borrow_and_update().as_ref().map_or(0, |done| done.generation);
        let now = meant.borrow_and_update().clone();
        let waits = veil.withholds();
        veil.mean(now.generation, now.zones);
        veil.reach(reached);
        if !settled {
            veil.lift();
            settled = now.settled;
        }
        if veil.withholds() && !waits {
            until = Instant::now() + PATIENCE;
        }
        set(&told, veil.told());
        set(&listening, now.listeners);
        tokio::select! {
            changed = meant.changed() => if changed.is_err() { return },
            changed = reconciled.changed() => if changed.is_err() { return },
            () = sleep_until(until), if veil.withholds() => {
                veil.lift();
                set(&told, veil.told());
            }
        }
    }
}

fn set<T: PartialEq>(out: &watch::Sender<T>, value: T) {
    out.send_if_modified(|known| {
        let differs = *known != value;
        *known = value;
        differs
    });
}
