//! Whoever is away is asked for on the wire more often than kernels do, so that a cut is over soon
//! after the cable is back.
//!
//! A kernel asks for the MAC address of a host that does not answer once a second, and until it has it
//! nothing of what Weft sends leaves.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};
use weft_kernel::host;
use weft_membership::sought;

use crate::fabric::Fabric;

/// How often hosts take turns.
const TURN: Duration = Duration::from_millis(200);

/// Asks for whoever is away, until the state's owner is gone.
pub(super) async fn seek(fabric: Fabric) {
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for turn in 0.. {
        turns.tick().await;
        let picture = fabric.state.picture();
        let sought = sought(&picture.standings, picture.me.id, turn, Instant::now());
        if sought.is_empty() {
            continue;
        }
        let nodes = picture.view.nodes();
        let addresses = sought.iter().filter_map(|node| Some(nodes.get(node)?.vtep.0)).collect();
        if let Err(error) = host::ask_again(addresses).await {
            tracing::debug!(%error, "hosts that are away are not asked for");
        }
    }
}
