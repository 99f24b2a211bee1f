//! A host that gets another underlay address says so, and nobody has to do anything.
//!
//! Who a node is stands in its certificate; where it is, is one fact in the registry that only itself
//! may change. Everything that others hold of it follows from that fact: their connections, the
//! members that they accept VXLAN from, the entries that lead to its endpoints.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use ipnet::IpNet;
use weft_kernel::{Disturbance, host};
use weft_model::{Node, Vtep};
use weft_registry::Command;
use weft_transport::MeshHandle;

use crate::disk::Disk;
use crate::fabric::Fabric;

/// An address that is gone for shorter than this is not: some programs take it away to put it back.
const SETTLED: Duration = Duration::from_secs(1);
/// A look is taken this often, whatever the kernel tells.
const INTERVAL: Duration = Duration::from_secs(5);
/// Anywhere: the way there says which address this host has towards the others.
const ANYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Says so whenever this host has another address, until the state's owner is gone.
pub(super) async fn watch(
    fabric: Fabric,
    mesh: MeshHandle,
    disk: Disk,
    mut disturbances: BoxStream<'static, Disturbance>,
) {
    loop {
        let me = fabric.state.picture().me.clone();
        if let Some(first) = moved(&fabric, &me).await {
            tokio::time::sleep(SETTLED).await;
            if moved(&fabric, &me).await == Some(first) {
                tell(&fabric, &mesh, &disk, at(&me, first)).await;
            }
        }
        tokio::select! {
            Some(_disturbance) = disturbances.next() => {}
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

/// The address that this host has instead of the one that the others know.
async fn moved(fabric: &Fabric, me: &Node) -> Option<IpAddr> {
    let own = host::addresses().await.ok()?;
    let has = |address: IpAddr| own.iter().map(IpNet::addr).any(|other| other == address);
    if own.is_empty() || has(me.vtep.0) {
        return None;
    }
    let view = fabric.view();
    let others = view.nodes().values().filter(|node| node.id != me.id).map(|node| node.vtep.0);
    for towards in others.chain([ANYWHERE]) {
        if let Ok(path) = host::path_to(towards).await
            && has(path.source)
            && path.source.is_ipv4() == me.vtep.0.is_ipv4()
            && !path.source.is_loopback()
        {
            return Some(path.source);
        }
    }
    None
}

fn at(me: &Node, address: IpAddr) -> Node {
    Node { vtep: Vtep(address), control: SocketAddr::new(address, me.control.port()), ..me.clone() }
}

async fn tell(fabric: &Fabric, mesh: &MeshHandle, disk: &Disk, node: Node) {
    tracing::info!(address = %node.vtep, "this host has another address: the others are told");
    mesh.reconnect().await;
    if let Err(problem) = fabric.registry.command(Command::PutNode(node.clone())).await {
        tracing::warn!(error = %problem, hint = problem.hint, "the others do not know this host's new address");
        return;
    }
    if let Err(error) = disk.amend(|membership| membership.node = node) {
        // The registry has it, and is what counts at the next start.
        tracing::warn!(%error, hint = error.hint(), "the new address is not kept");
    }
}
