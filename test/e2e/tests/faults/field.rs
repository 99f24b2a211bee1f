//! The hosts, and the clients at each of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use weft_api::Client;
use weft_e2e::{Cluster, eventually, holds};
use weft_lab::{Host, Spec};
use weft_linear::History;

use crate::names::{self, Told};
use crate::workloads::{self, Workloads};

const MANAGERS: u8 = 5;
const HOSTS: u8 = 6;
/// Longer than anything takes before the faults.
const SOON: Duration = Duration::from_secs(30);
/// A state directory is so small that it can be filled.
const DISK: &str = "size=64m";

/// What all clients share.
pub(crate) struct Common {
    pub(crate) began: Instant,
    pub(crate) ends: AtomicBool,
    /// No two networks have the same mark.
    pub(crate) next_mark: AtomicU64,
}

/// The clients at work.
pub(crate) struct Field<'a> {
    cluster: &'a Cluster,
    common: Arc<Common>,
    names: Vec<JoinHandle<Told>>,
    workloads: Vec<JoinHandle<Workloads>>,
}

/// What they saw, and what is left.
pub(crate) struct Seen {
    pub(crate) history: History,
    /// Networks that a host showed again after it had said that they are gone.
    pub(crate) returned: Vec<String>,
    /// The networks that the managers have.
    pub(crate) left: BTreeSet<String>,
    /// The endpoints that their hosts have.
    pub(crate) attached: BTreeSet<String>,
}

/// Hosts whose state directories are small, in no cluster yet.
pub(crate) async fn hosts() -> Cluster {
    let lab = Spec { hosts: HOSTS, movable_clocks: true, ..Spec::default() };
    let cluster = Cluster::unformed(lab).await.unwrap();
    for host in cluster.lab.hosts() {
        let mount = ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", "/var/lib/weft"];
        host.run(&mount).await.unwrap();
    }
    cluster
}

/// Five managers and a worker, with the registry in `store`.
pub(crate) async fn form(cluster: &Cluster, store: &str) {
    cluster.form(&["--address-rest", "1s", "--store", store]).await.unwrap();
    let names: Vec<String> = (2..=MANAGERS).map(|number| format!("h{number}")).collect();
    let promote: Vec<&str> = names.iter().map(String::as_str).collect();
    let h1 = cluster.host("h1").unwrap();
    h1.run(&[&["weft", "node", "promote"], promote.as_slice()].concat()).await.unwrap();
    for host in cluster.lab.hosts() {
        eventually(SOON, || confirmed(cluster, host)).await.unwrap();
    }
    cluster.network(workloads::NETWORK, &[]).await.unwrap();
}

/// A manager that has a majority confirms what this host knows.
pub(crate) async fn confirmed(cluster: &Cluster, host: &Host) -> anyhow::Result<()> {
    let status = cluster.status(host).await?;
    let reached = status.cluster.as_ref().is_some_and(|cluster| cluster.manager_reachable);
    holds(reached && status.degraded.is_empty(), || format!("{}: {status:?}", host.name()))
}

/// Every host whose agent manages.
pub(crate) fn managers(cluster: &Cluster) -> Vec<&Host> {
    cluster.lab.hosts().take(MANAGERS.into()).collect()
}

/// A client of a host's agent, without a process for each call.
pub(crate) fn client(host: &Host) -> Client {
    Client::at(&host.root().join("run/weft/weft.sock")).unwrap()
}

impl<'a> Field<'a> {
    pub(crate) async fn start(cluster: &'a Cluster, seed: u64) -> Self {
        let common = Arc::new(Common {
            began: Instant::now(),
            ends: AtomicBool::new(false),
            next_mark: AtomicU64::new(1),
        });
        let (mut names, mut workloads) = (Vec::new(), Vec::new());
        for (number, host) in (0..).zip(cluster.lab.hosts()) {
            let manages = number < u32::from(MANAGERS);
            let (here, shared) = (client(host), Arc::clone(&common));
            names.push(tokio::spawn(names::run(here, shared, number, manages, seed)));
            // Who has no workload on a network knows of none there.
            let stays = format!("stays-{}", host.name());
            cluster.plain(host.name(), workloads::NETWORK, &stays, &[]).await.unwrap();
            let places = workloads::places(host).await;
            let (here, shared) = (client(host), Arc::clone(&common));
            workloads.push(tokio::spawn(workloads::run(here, shared, places, number, seed)));
        }
        Self { cluster, common, names, workloads }
    }

    /// Ends the clients and looks at what is left.
    pub(crate) async fn finish(self) -> Seen {
        self.common.ends.store(true, Ordering::Relaxed);
        let (mut history, mut returned) = (History::default(), Vec::new());
        for client in self.names {
            let told = client.await.unwrap();
            history.operations.extend(told.operations);
            returned.extend(told.returned);
        }
        let h1 = client(self.cluster.host("h1").unwrap());
        let registry = eventually(SOON, || names::registry(&h1)).await.unwrap();
        let keys: BTreeSet<String> = history.operations.iter().map(|op| op.key.clone()).collect();
        let last = keys.into_iter().map(|key| names::last_look(&registry, &self.common, key));
        history.operations.extend(last);
        let left = registry.networks().values().filter_map(|network| network.name.as_ref());
        let left = left.map(ToString::to_string).collect();
        let mut attached = BTreeSet::new();
        for (host, workloads) in self.cluster.lab.hosts().zip(self.workloads) {
            attached.extend(workloads.await.unwrap().left(&client(host)).await);
        }
        Seen { history, returned, left, attached }
    }
}
