//! Clusters with three managers.

use std::time::Duration;

use weft_api::NodeView;
use weft_e2e::{Cluster, eventually, holds};
use weft_lab::{Host, Spec};
use weft_model::Role;

/// Longer than anything takes that is not waited for.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// Plain hosts h1…hN, of which the first three are managers.
pub(crate) async fn three_managers(hosts: u8) -> Cluster {
    let spec = Spec { hosts, ..Spec::default() };
    let cluster = Cluster::founded(spec, &["--address-rest", "1s"]).await.unwrap();
    let told = cluster.host("h1").unwrap().run(&["weft", "node", "promote", "h2", "h3"]).await;
    let told = told.unwrap();
    assert!(told.contains("h2 is a manager now") && told.contains("h3 is a manager now"), "{told}");
    assert!(!told.contains("note:"), "three need no advice: {told}");
    cluster
}

/// The managers that a host knows, by name.
pub(crate) async fn managers(cluster: &Cluster, host: &Host) -> anyhow::Result<Vec<String>> {
    let nodes = cluster.nodes(host).await?;
    let managers = nodes.iter().filter(|node| node.role == Role::Manager);
    let mut names: Vec<String> = managers.map(|node: &NodeView| node.name.to_string()).collect();
    names.sort();
    Ok(names)
}

/// A manager confirms what this host knows.
pub(crate) async fn confirmed(cluster: &Cluster, host: &Host) -> anyhow::Result<()> {
    let status = cluster.status(host).await?;
    let reached = status.cluster.as_ref().is_some_and(|cluster| cluster.manager_reachable);
    holds(reached, || format!("{}: {:?}", host.name(), status.degraded))
}

/// Waits until all hosts that run say that a manager confirms what they know.
pub(crate) async fn all_confirmed(cluster: &Cluster) {
    for host in cluster.lab.hosts().filter(|host| host.pid() != 0) {
        eventually(SOON, || confirmed(cluster, host)).await.unwrap();
    }
}
