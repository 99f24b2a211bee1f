//! What the underlay leaves for packets inside VXLAN, now and when it changes.
//!
//! Networks without an MTU of their own follow: bridges, VXLAN devices and ports by way of what the
//! kernel should hold, workloads' own ends here. What is larger than fits is made smaller at once;
//! what this agent had given grows again. An MTU that somebody in a workload chose stays, if it fits.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use weft_kernel::{Disturbance, Netns, host};
use weft_model::{MacAddr, Mtu, Node};
use weft_registry::View;

use crate::fabric::Fabric;
use crate::local::Attachment;
use crate::problem::Answer;
use crate::state::Picture;

/// Of so many other hosts the path is looked at.
const PATHS: usize = 16;
/// What is otherwise for shorter than this has not changed: interfaces are set up in several steps.
const SETTLED: Duration = Duration::from_millis(300);
/// A look is taken this often, whatever the kernel tells: it does not tell of routes.
const INTERVAL: Duration = Duration::from_secs(5);

/// What the ways to the other hosts leave inside VXLAN.
pub(super) async fn inner_mtu(me: &Node, view: &View) -> Mtu {
    match measured(me, view).await {
        Ok(mtu) => mtu,
        Err(error) => {
            tracing::warn!(%error, address = %me.vtep, "no interface has the underlay address");
            Mtu::ETHERNET.inner(me.vtep.0)
        }
    }
}

async fn measured(me: &Node, view: &View) -> io::Result<Mtu> {
    let mut least = host::mtu_at(me.vtep.0).await?;
    let others = view.nodes().values().filter(|node| node.id != me.id).map(|node| node.vtep.0);
    for address in others.take(PATHS) {
        match host::path_to(address).await {
            Ok(path) => least = least.min(path.mtu),
            Err(error) => tracing::debug!(%error, %address, "no way to this address"),
        }
    }
    Ok(least.inner(me.vtep.0))
}

/// Lets everything follow the underlay, until the state's owner is gone.
pub(super) async fn follow(fabric: Fabric, mut disturbances: BoxStream<'static, Disturbance>) {
    // It may have changed while no agent ran.
    let known = fabric.inner_mtu();
    resize(&fabric, (known, known)).await;
    loop {
        if let Some(left) = another(&fabric).await {
            sleep(SETTLED).await;
            if another(&fabric).await == Some(left) {
                take(&fabric, left).await;
            }
        }
        tokio::select! {
            Some(_disturbance) = disturbances.next() => {}
            () = sleep(INTERVAL) => {}
        }
    }
}

/// What the underlay leaves, if that is something else than before.
async fn another(fabric: &Fabric) -> Option<Mtu> {
    let picture = fabric.state.picture();
    let left = measured(&picture.me, &picture.view).await.ok()?;
    (left != picture.facts.inner_mtu).then_some(left)
}

/// The smaller side goes first: nobody sends what the next one does not take.
async fn take(fabric: &Fabric, left: Mtu) {
    let before = fabric.inner_mtu();
    tracing::info!(mtu = %left, former = %before, "the underlay leaves another MTU: networks follow");
    if left < before {
        resize(fabric, (before, left)).await;
    }
    if let Err(problem) = program(fabric, left).await {
        tracing::warn!(error = %problem, hint = problem.hint, "networks have another MTU than fits");
    }
    resize(fabric, (before, left)).await;
}

async fn program(fabric: &Fabric, left: Mtu) -> Answer<()> {
    let generation = fabric.state.fit(left).await?;
    fabric.programmed(generation).await
}

/// A workload's own end.
struct End {
    netns: PathBuf,
    station: (MacAddr, IpAddr),
}

/// Gives workloads' own ends what fits now; those that are gone meanwhile need nothing.
async fn resize(fabric: &Fabric, (before, now): (Mtu, Mtu)) {
    let ends = ends(&fabric.state.picture());
    let resized = spawn_blocking(move || {
        for End { netns, station } in ends {
            if let Err(error) = fit(&netns, station, (before, now)) {
                let netns = netns.display();
                tracing::debug!(%error, %netns, mac = %station.0, "a workload keeps its MTU");
            }
        }
    });
    resized.await.unwrap_or_default();
}

/// Those on networks that have no MTU of their own.
fn ends(picture: &Picture) -> Vec<End> {
    let joined = picture.attachments.values().filter(|one| one.joined);
    let end = |one: &Attachment| {
        let network = picture.view.network(one.network).filter(|network| network.mtu.is_none());
        let address = *one.endpoint.addresses.first()?;
        let netns = one.workload.netns().filter(|_| network.is_some())?.clone();
        Some(End { netns, station: (one.endpoint.mac, address) })
    };
    joined.filter_map(end).collect()
}

fn fit(netns: &Path, station: (MacAddr, IpAddr), (before, now): (Mtu, Mtu)) -> io::Result<()> {
    let netns = Netns::open(netns)?;
    let Some(own) = host::interface_with(&netns, station, station.1)? else { return Ok(()) };
    if follows(own.mtu, (before, now)) { host::set_mtu(&netns, &own.name, now) } else { Ok(()) }
}

/// Whether an end that has this MTU is to have the one of now.
fn follows(has: u32, (before, now): (Mtu, Mtu)) -> bool {
    has > now.into() || (has == u32::from(before) && before != now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_shrinks_and_what_was_given_grows_again() {
        let mtu = |bytes: u32| Mtu::try_from(bytes).unwrap();
        let narrower = (mtu(1450), mtu(1350));
        assert!(follows(1450, narrower) && follows(1400, narrower) && !follows(1300, narrower));
        let wider = (mtu(1350), mtu(1450));
        assert!(follows(1350, wider) && !follows(1300, wider) && !follows(1450, wider));
        let same = (mtu(1450), mtu(1450));
        assert!(follows(9000, same) && !follows(1450, same) && !follows(1300, same));
    }
}
