//! Plain workloads tell nobody when they end: their namespace is just gone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use weft_kernel::{Disturbance, Netns};

use crate::fabric::Fabric;
use crate::local::Workload;

/// Looks are at least this far apart.
const PAUSE: Duration = Duration::from_millis(200);
/// A look is taken this often, whatever the kernel tells.
const INTERVAL: Duration = Duration::from_secs(5);

/// Detaches workloads whose namespaces are gone, until the state's owner is.
pub(crate) async fn watch(fabric: Fabric, mut disturbances: BoxStream<'static, Disturbance>) {
    loop {
        let gone = gone(&fabric);
        if !gone.is_empty() {
            fabric.state.gone(gone).await;
        }
        tokio::time::sleep(PAUSE).await;
        tokio::select! {
            Some(_disturbance) = disturbances.next() => {}
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

fn gone(fabric: &Fabric) -> Vec<PathBuf> {
    let picture = fabric.state.picture();
    let plain = |workload: &Workload| match workload {
        Workload::Plain { netns, inode, .. } => Some((netns.clone(), *inode)),
        Workload::Docker { .. } => None,
    };
    let all = picture.attachments.values().filter_map(|a| plain(&a.workload));
    all.filter(|(netns, inode)| !lives(netns, *inode)).map(|(netns, _inode)| netns).collect()
}

fn lives(netns: &Path, inode: u64) -> bool {
    Netns::open(netns).is_ok_and(|ns| ns.inode() == inode)
}
