//! The next block of addresses, claimed before the present ones are used up.
//!
//! A host that is cut off from the managers afterwards has addresses left to start containers with.

use std::time::Duration;

use tokio::sync::watch;
use weft_model::NetworkId;

use crate::fabric::Fabric;

/// Pause after a claim that failed.
const PAUSE: Duration = Duration::from_secs(5);

/// Claims blocks for networks that run low until the state's owner is gone.
pub(crate) async fn claim_ahead(fabric: Fabric, mut low: watch::Receiver<Vec<(NetworkId, u64)>>) {
    loop {
        let waited = low.wait_for(|networks| !networks.is_empty()).await;
        let Ok(networks) = waited.map(|networks| networks.clone()) else { return };
        fabric.registry.confirmed().await;
        for (network, known) in networks {
            claim(&fabric, network, known).await;
        }
        // The owner looks at its blocks again with its next housekeeping.
        if tokio::time::timeout(PAUSE, low.changed()).await.is_ok_and(|gone| gone.is_err()) {
            return;
        }
    }
}

async fn claim(fabric: &Fabric, network: NetworkId, known: u64) {
    match fabric.claim_ahead(network, known).await {
        Ok(()) => tracing::debug!(%network, "a block was claimed ahead"),
        Err(problem) => tracing::debug!(%network, %problem, "no block was claimed ahead"),
    }
}
