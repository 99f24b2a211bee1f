//! The leader ends leases when their time has come.

use std::sync::Weak;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::Open;
use super::types::Wish;

/// How soon another manager looks whether it leads now.
const LOOK: Duration = Duration::from_millis(500);

/// Runs until the store is dropped.
pub(super) async fn lapse(open: Weak<Open>) {
    let Some(mut deadline) = open.upgrade().map(|open| open.shelf.deadline()) else { return };
    let mut led = false;
    loop {
        let Some(store) = open.upgrade() else { return };
        let leads = store.leader().is_some_and(|(seat, _node)| seat == store.seat);
        if leads && !led {
            // Who keeps a lease alive had nobody to ask meanwhile.
            store.shelf.renew(None);
        }
        led = leads;
        let late = store.shelf.late();
        if leads && !late.is_empty() && store.propose(Wish::End(late)).await.is_ok() {
            continue;
        }
        drop(store);
        let next = *deadline.borrow_and_update();
        let next = next.filter(|at| *at > Instant::now());
        tokio::select! {
            () = sleep(LOOK) => {}
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            changed = deadline.changed() => if changed.is_err() { return },
        }
    }
}
