//! Blocks that nothing was leased from for long go back to the registry, so that others may have
//! their addresses.

use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::watch;
use weft_model::NetworkId;
use weft_registry::Command;

use crate::fabric::Fabric;

/// A block is kept for this many times the rest of an address.
///
/// A host that is cut off from the managers starts containers from the blocks that it has kept.
const PATIENCE: u32 = 10;

/// Gives idle blocks back until the state's owner is gone.
pub(crate) async fn give_back(fabric: Fabric, mut idle: watch::Receiver<Vec<(NetworkId, IpNet)>>) {
    loop {
        let before = idle.borrow_and_update().clone();
        if before.is_empty() {
            if idle.changed().await.is_err() {
                return;
            }
            continue;
        }
        tokio::time::sleep(patience(&fabric)).await;
        let still: Vec<_> = idle.borrow().iter().filter(|b| before.contains(b)).copied().collect();
        for (network, range) in still {
            give(&fabric, network, range).await;
        }
    }
}

fn patience(fabric: &Fabric) -> Duration {
    let view = fabric.view();
    view.cluster().map_or(Duration::from_secs(60), |cluster| cluster.address_rest) * PATIENCE
}

async fn give(fabric: &Fabric, network: NetworkId, range: IpNet) {
    if !fabric.registry.fresh() || !fabric.state.retire(network, range).await {
        return;
    }
    let released = fabric.registry.command(Command::ReleaseBlock { network, range }).await;
    match &released {
        Ok(_done) => tracing::debug!(%network, block = %range, "an idle block was given back"),
        Err(problem) => {
            tracing::debug!(%network, block = %range, %problem, "a block is not known to be given back");
        }
    }
    fabric.state.retired(network, range, released.is_ok()).await;
}
