//! This host's clock beside the managers': asked for now and then, for whoever reads the status or the
//! metrics.

use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use weft_doctor::clock::{Reading, ahead};
use weft_model::NodeId;

use crate::inspect::{Inquiry, Inspector};
use crate::registry::managers;

/// A clock drifts slowly, and is set right or wrong seldom.
const PAUSE: Duration = Duration::from_secs(60);
/// One that is wrong is looked at more often, so that it is seen soon when it is right.
const WRONG: Duration = Duration::from_secs(5);
/// From this difference on it is looked at more often.
const NOTICED: Duration = Duration::from_secs(1);

/// This host's clock, in microseconds since 1970.
pub(crate) fn now_us() -> u64 {
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(clock.as_micros()).unwrap_or(u64::MAX)
}

/// Compares until nobody wants to know, in microseconds that this host is ahead.
pub(crate) async fn compare(inspector: Inspector, ahead: watch::Sender<Option<i64>>) {
    let registry = inspector.desk().fabric.registry.clone();
    while !ahead.is_closed() {
        registry.confirmed().await;
        let found = compared(&inspector).await;
        ahead.send_if_modified(|known| std::mem::replace(known, found) != found);
        let noticed = found.is_none_or(|us| Duration::from_micros(us.unsigned_abs()) >= NOTICED);
        tokio::time::sleep(if noticed { WRONG } else { PAUSE }).await;
    }
}

/// The only manager's clock is right, since there is none that it could be compared with.
async fn compared(inspector: &Inspector) -> Option<i64> {
    let picture = inspector.desk().fabric.state.picture();
    let others = managers(picture.view.nodes(), picture.me.id);
    if others.is_empty() {
        return Some(0);
    }
    let read = others.into_iter().map(|manager| read(inspector, manager));
    let readings: Vec<Reading> =
        futures::future::join_all(read).await.into_iter().flatten().collect();
    ahead(&readings)
}

async fn read(inspector: &Inspector, manager: NodeId) -> Option<Reading> {
    let asked = now_us();
    let theirs: u64 = inspector.ask(manager, &Inquiry::Clock).await.ok()?;
    let [asked, theirs, answered] =
        [asked, theirs, now_us()].map(|us| i64::try_from(us).unwrap_or(i64::MAX));
    Some(Reading { asked, theirs, answered })
}
