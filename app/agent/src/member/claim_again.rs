//! Addresses that are in use here and in no block of this node's: their blocks are claimed again.
//!
//! That is so after `weft restore` or `weft recover`, if the registry knows less than it did.

use std::collections::BTreeSet;
use std::time::Duration;

use weft_registry::{Command, Want};

use crate::fabric::Fabric;
use crate::local::Held;

/// How often leases are held against the registry.
const PAUSE: Duration = Duration::from_secs(2);

/// Claims again until the membership ends. An address counts when it was seen so twice: a view may be
/// a moment behind what was leased.
pub(crate) async fn claim_again(fabric: Fabric) {
    let mut before = BTreeSet::new();
    loop {
        fabric.registry.confirmed().await;
        let mut now = uncovered(&fabric);
        for held in now.clone().intersection(&before) {
            // One block may hold several of them.
            if uncovered(&fabric).contains(held) {
                claim(&fabric, *held).await;
                now.remove(held);
            }
        }
        before = now;
        tokio::time::sleep(PAUSE).await;
    }
}

fn uncovered(fabric: &Fabric) -> BTreeSet<Held> {
    let (picture, view) = (fabric.state.picture(), fabric.view());
    let is_uncovered = |held: &&Held| {
        view.network(held.network).is_some()
            && !view
                .blocks_of(held.network, picture.me.id)
                .any(|block| block.range.contains(&held.address))
    };
    picture.leased.iter().filter(is_uncovered).copied().collect()
}

async fn claim(fabric: &Fabric, Held { network, address }: Held) {
    let claim = Command::ClaimBlock { network, want: Want::Holding(address), known: None };
    match fabric.registry.command(claim).await {
        Ok(_block) => {
            tracing::info!(%network, %address, "a block that the registry had lost is claimed again");
        }
        Err(problem) => {
            tracing::error!(%network, %address, %problem, "an address in use is not this host's");
        }
    }
}
