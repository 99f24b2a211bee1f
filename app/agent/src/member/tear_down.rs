//! What is left here of networks that were removed: taken down, told, and reported to the managers,
//! who give such a network's VNI to no other one before.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use weft_kernel::{Kernel as _, Linux};
use weft_model::NodeId;
use weft_registry::{Command, Quarantine};

use crate::fabric::Fabric;
use crate::problem::{Answer, because, problem};
use crate::registry::Followed;

/// Pause after an attempt that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Tears down what the registry has no network for any more, until there is no registry to follow.
pub(super) async fn tear_down(
    me: NodeId,
    fabric: Fabric,
    kernel: Arc<Linux>,
    mut followed: watch::Receiver<Followed>,
) {
    loop {
        let known = followed.borrow_and_update().clone();
        let waiting = known.view.quarantines().filter(|of| of.nodes.contains(&me)).cloned();
        let mut done = Ok(());
        for of in waiting.filter(|_| known.is_fresh()).collect::<Vec<_>>() {
            done = done.and(report(&fabric, &kernel, &of).await);
        }
        let changed = match done {
            Ok(()) => followed.changed().await,
            Err(problem) => {
                tracing::debug!(%problem, "something of a removed network may be left");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if changed.is_err() {
            return;
        }
    }
}

async fn report(fabric: &Fabric, kernel: &Linux, of: &Quarantine) -> Answer<()> {
    let picture = fabric.state.picture();
    let left = picture.attachments.values().filter(|a| a.network == of.network);
    let left: Vec<_> = left.map(|attachment| attachment.endpoint.id).collect();
    let name = of.name.as_ref().map_or_else(|| of.network.short(), ToString::to_string);
    for id in &left {
        fabric.detach(*id).await?;
    }
    if !left.is_empty() {
        tracing::warn!(
            network = name,
            workloads = left.len(),
            hint = "attach them to another network: weft network ls",
            "a network was removed while this host was away: its workloads are cut off"
        );
    }
    let seen = kernel.observe().await.map_err(|error| {
        because(weft_api::ProblemKind::Internal, "read the kernel's state", &error, error.hint())
    })?;
    if seen.segments.contains_key(&of.vni) {
        let what = format!("segment {} of network {name} still stands", of.vni);
        return Err(problem(weft_api::ProblemKind::Unavailable, what, "weft status says why"));
    }
    fabric.registry.command(Command::TornDown { network: of.network }).await.map(|_done| ())
}
