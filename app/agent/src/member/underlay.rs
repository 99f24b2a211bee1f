//! What the underlay leaves for packets inside VXLAN.

use weft_kernel::host;
use weft_model::{Mtu, Node};
use weft_registry::View;

/// Of so many other hosts the path is looked at.
const PATHS: usize = 16;

/// What the ways to the other hosts leave inside VXLAN.
pub(super) async fn inner_mtu(me: &Node, view: &View) -> Mtu {
    let mut least = match host::mtu_at(me.vtep.0).await {
        Ok(mtu) => mtu,
        Err(error) => {
            tracing::warn!(%error, address = %me.vtep, "no interface has the underlay address");
            Mtu::ETHERNET
        }
    };
    let others = view.nodes().values().filter(|node| node.id != me.id).map(|node| node.vtep.0);
    for address in others.take(PATHS) {
        match host::path_to(address).await {
            Ok(path) => least = least.min(path.mtu),
            Err(error) => tracing::debug!(%error, %address, "no way to this address"),
        }
    }
    least.inner(me.vtep.0)
}
