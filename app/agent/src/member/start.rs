//! Starts a membership: every task, its inputs and its outputs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weft_docker::ClusterNetworks;
use weft_identity::Authority;
use weft_kernel::{Kernel, Linux, host};
use weft_model::{Mtu, Node, NodeId};
use weft_names::Zones;
use weft_plan::Desired;
use weft_registry::{Entry, Key, Snapshot, View};
use weft_resolver::Resolver;
use weft_store::{Redb, Store};
use weft_transport::{Credentials, Mesh};

use super::{Member, give_back, watch_namespaces};
use crate::admission::Admission;
use crate::disk::{Disk, Membership};
use crate::fabric::Fabric;
use crate::local::Local;
use crate::mesh::{Office, sort};
use crate::metrics::Counters;
use crate::options::Options;
use crate::problem::Told;
use crate::reconcile::{Reconciler, Target};
use crate::registry::{Commander, Followed, Manager, follow};
use crate::state::{Outputs, Picture, Start, StateHandle, stale};

/// Of so many other hosts the path is looked at.
const PATHS: usize = 16;
/// Messages that wait for a task.
const QUEUE: usize = 1024;

/// What outlives memberships.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// What the daemon was told.
    pub(crate) options: Options,
    /// The state directory.
    pub(crate) disk: Disk,
    /// The kernel.
    pub(crate) kernel: Arc<Linux>,
    /// What Docker's mirror reads.
    pub(crate) cluster_networks: watch::Sender<ClusterNetworks>,
    /// What the resolver reads.
    pub(crate) zones: watch::Sender<Arc<Zones>>,
    /// Answers containers.
    pub(crate) resolver: Resolver,
    /// The daemon's numbers.
    pub(crate) counters: Counters,
}

/// Starts everything; when it returns the host is a working member.
///
/// # Errors
///
/// If the state cannot be read, a port cannot be bound or the certificate is of no use.
pub(crate) async fn start(
    around: &Surroundings,
    membership: Membership,
) -> anyhow::Result<Arc<Member>> {
    let Surroundings { options, disk, kernel, cluster_networks, zones, resolver, counters } =
        around;
    let me = membership.node.clone();
    let tasks = TaskTracker::new();
    let stop = CancellationToken::new();

    let local: Arc<dyn Store> = Arc::new(Redb::open(&disk.local_store())?);
    let local = Local::new(local);
    let remembered = local.begin().await.map_err(Told)?;

    let (in_use, in_use_seen) = watch::channel(Arc::default());
    let manager = match &membership.authority_pem {
        None => None,
        Some(_pem) => {
            let store: Arc<dyn Store> = Arc::new(Redb::open(&disk.manager_store())?);
            let (manager, keeper) = Manager::open(store, in_use_seen).await?;
            tasks.spawn(until(stop.clone(), Box::pin(keeper.run())));
            Some(manager)
        }
    };
    let view = first_view(disk, manager.as_ref(), &membership).await?;
    let inner_mtu = inner_mtu(&me, &view).await;

    let (followed_sender, followed) = watch::channel(stale(view));
    let (peers_sender, peers) = watch::channel(peers(&followed.borrow(), me.id));
    let listen = SocketAddr::new(options.listen.ip(), me.control.port());
    let (mesh, events) = Mesh::start(listen, credentials(&membership)?, peers)?;
    let office = match (&manager, &membership.authority_pem) {
        (Some(manager), Some(pem)) => {
            let authority = Authority::from_pem(pem)?;
            let admission = Arc::new(Admission::new(authority, me.id));
            Some(Office { manager: manager.clone(), admission })
        }
        _ => None,
    };

    let target =
        Target { generation: 0, desired: Arc::new(Desired::default()), unheard: Arc::default() };
    let (listeners, listeners_seen) = watch::channel(Arc::default());
    let (idle_blocks, idle_seen) = watch::channel(Vec::new());
    let (target_sender, target_seen) = watch::channel(target);
    let (picture, picture_seen) = watch::channel(Arc::new(Picture::empty(me.clone())));
    let out = Outputs {
        picture,
        target: target_sender,
        zones: zones.clone(),
        listeners,
        in_use,
        cluster_networks: cluster_networks.clone(),
        idle_blocks,
    };
    let (asks_sender, asks) = mpsc::channel(QUEUE);
    let (heard_sender, heard) = mpsc::channel(QUEUE);
    let mut state = Start {
        me: me.clone(),
        remembered,
        local,
        mesh: mesh.clone(),
        registry: followed.clone(),
        inner_mtu,
        egress: options.egress,
        counters: counters.clone(),
        out,
    }
    .build();
    state.publish();

    let (reconciled_sender, reconciled) = watch::channel(None);
    let handle = StateHandle::new(asks_sender, picture_seen);
    let registry = Commander::new(me.id, manager.clone(), mesh.clone(), followed.clone());
    let fabric = Fabric { registry, state: handle, reconciled: reconciled.clone(), inner_mtu };

    let until = |task| tasks.spawn(until(stop.clone(), task));
    until(Box::pin(state.run(asks, heard)));
    until(Box::pin(sort(events, heard_sender, office.clone())));
    until(Box::pin(follow(me.id, manager, mesh.clone(), disk.clone(), followed_sender)));
    until(Box::pin(keep_peers(followed, me.id, peers_sender)));
    until(Box::pin(reconcile(
        target_seen.clone(),
        Reconciler::new(Arc::clone(kernel), target_seen, reconciled_sender, counters.clone()),
    )));
    until(Box::pin(give_back::give_back(fabric.clone(), idle_seen)));
    until(Box::pin(watch_namespaces::watch(fabric.clone(), kernel.watch())));
    tasks.spawn(crate::names::serve(listeners_seen, resolver.clone(), stop.clone()));

    Ok(Arc::new(Member {
        node: me,
        fabric,
        office: office.map(|office| (office.manager, office.admission)),
        reconciled,
        mesh,
        tasks,
        _stop_on_drop: stop.clone().drop_guard(),
        stop,
    }))
}

async fn until(stop: CancellationToken, task: futures::future::BoxFuture<'static, ()>) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = task => {}
    }
}

/// What the ways to the other hosts leave inside VXLAN.
async fn inner_mtu(me: &Node, view: &View) -> Mtu {
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

/// Until it is known what should be, the kernel is left as it is: workloads run on.
async fn reconcile(mut target: watch::Receiver<Target>, reconciler: Reconciler<Linux>) {
    if target.wait_for(|target| target.generation > 0).await.is_ok() {
        reconciler.run().await;
    }
}

/// The registry at the start. A cache that is of no use costs a worker only what a manager will
/// tell it again.
async fn first_view(
    disk: &Disk,
    manager: Option<&Manager>,
    membership: &Membership,
) -> anyhow::Result<View> {
    if let Some(manager) = manager {
        return Ok(View::from_snapshot(&manager.store().range("/").await?)?);
    }
    match disk.registry() {
        Ok(cached) => {
            let view = cached.as_ref().map(View::from_snapshot).transpose();
            match view {
                Ok(Some(view)) => return Ok(view),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "the cached registry is ignored: asking a manager");
                }
            }
        }
        Err(error) => {
            let why = crate::problem::chain(&error).join(": ");
            tracing::warn!(error = why, "the cached registry is ignored: asking a manager");
        }
    }
    Ok(View::from_snapshot(&managers_alone(&membership.managers)?)?)
}

/// As much of a registry as it takes to ask for the rest.
fn managers_alone(managers: &[Node]) -> anyhow::Result<Snapshot> {
    let entry = |node: &Node| {
        let (key, value) = (Key::Node(node.id).to_string(), serde_json::to_vec(node)?);
        anyhow::Ok(Entry { key, value, modified: 0 })
    };
    let entries = managers.iter().map(entry).collect::<anyhow::Result<_>>()?;
    Ok(Snapshot { revision: 0, entries })
}

fn credentials(membership: &Membership) -> anyhow::Result<Credentials> {
    Ok(Credentials {
        node: membership.node.id,
        chain: weft_identity::certificates(&membership.chain_pem)?,
        key: weft_identity::private_key(&membership.key_pem)?,
        roots: weft_identity::certificates(&membership.ca_pem)?,
    })
}

fn peers(followed: &Followed, me: NodeId) -> BTreeMap<NodeId, SocketAddr> {
    let nodes = followed.view.nodes().values().filter(|node| node.id != me);
    nodes.map(|node| (node.id, node.control)).collect()
}

/// Tells the mesh whom to talk to, as the registry changes.
async fn keep_peers(
    mut followed: watch::Receiver<Followed>,
    me: NodeId,
    out: watch::Sender<BTreeMap<NodeId, SocketAddr>>,
) {
    while followed.changed().await.is_ok() {
        let now = peers(&followed.borrow_and_update(), me);
        out.send_if_modified(|known| {
            let differs = *known != now;
            *known = now;
            differs
        });
    }
}
