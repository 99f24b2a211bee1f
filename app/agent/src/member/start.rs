//! Starts a membership: every task, its inputs and its outputs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weft_identity::Authority;
use weft_kernel::{Kernel, Linux};
use weft_model::NodeId;
use weft_transport::{Credentials, Mesh, MeshEvent, MeshHandle};

use super::stores::Stores;
use super::underlay::inner_mtu;
use super::{Member, Surroundings, give_back, watch_namespaces};
use crate::admission::Admission;
use crate::disk::Membership;
use crate::fabric::Fabric;
use crate::mesh::{Office, sort};
use crate::reconcile::{Reconciler, Target};
use crate::registry::{Commander, Followed, Manager, follow};
use crate::state::{Outputs, Seen, Start, StateHandle, stale};

/// Messages that wait for a task.
const QUEUE: usize = 1024;

/// All tasks of a membership, ended together.
#[derive(Debug, Default)]
struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Runs a task until it ends or the membership does.
    fn until(&self, task: BoxFuture<'static, ()>) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task => {}
            }
        });
    }
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
    let tasks = Tasks::default();
    let me = membership.node.clone();
    let Stores { local, remembered, manager, in_use, view } =
        Stores::open(&around.disk, &membership).await?;
    let inner_mtu = inner_mtu(&me, &view).await;
    let manager = manager.map(|(manager, keeper)| {
        tasks.until(Box::pin(keeper.run()));
        manager
    });
    let office = office(manager.clone(), &membership)?;
    let (followed_sender, followed) = watch::channel(stale(view));
    let (mesh, events) = connect(around, &membership, &followed, &tasks)?;
    tasks.until(Box::pin(follow(
        me.id,
        manager.clone(),
        mesh.clone(),
        around.disk.clone(),
        followed_sender,
    )));

    let (out, seen) = Outputs::new(&me, around, in_use);
    let state = Start {
        me: me.clone(),
        remembered,
        local,
        mesh: mesh.clone(),
        registry: followed.clone(),
        inner_mtu,
        egress: around.options.egress,
        counters: around.counters.clone(),
        out,
    };
    let registry = Commander::new(me.id, manager, mesh.clone(), followed);
    let fabric = serve(around, state, registry, (events, office.clone()), (seen, &tasks));
    let Tasks { tracker, stop } = tasks;
    Ok(Arc::new(Member {
        node: me,
        reconciled: fabric.reconciled.clone(),
        fabric,
        office: office.map(|office| (office.manager, office.admission)),
        mesh,
        tasks: tracker,
        _stop_on_drop: stop.clone().drop_guard(),
        stop,
    }))
}

/// Starts the state's owner and everything that follows from the state.
fn serve(
    around: &Surroundings,
    state: Start,
    registry: Commander,
    (events, office): (mpsc::Receiver<MeshEvent>, Option<Office>),
    (seen, tasks): (Seen, &Tasks),
) -> Fabric {
    let (asks_sender, asks) = mpsc::channel(QUEUE);
    let (heard_sender, heard) = mpsc::channel(QUEUE);
    let (reconciled_sender, reconciled) = watch::channel(None);
    let inner_mtu = state.inner_mtu;
    let mut state = state.build();
    state.publish();
    let handle = StateHandle::new(asks_sender, seen.picture);
    let ceding = Arc::default();
    let fabric = Fabric { registry, state: handle, reconciled, inner_mtu, ceding };

    let (kernel, counters) = (Arc::clone(&around.kernel), around.counters.clone());
    let reconciler = Reconciler::new(kernel, seen.target.clone(), reconciled_sender, counters);
    tasks.until(Box::pin(state.run(asks, heard)));
    tasks.until(Box::pin(sort(events, heard_sender, fabric.clone(), office)));
    tasks.until(Box::pin(reconcile(seen.target, reconciler)));
    tasks.until(Box::pin(give_back::give_back(fabric.clone(), seen.idle_blocks)));
    tasks.until(Box::pin(watch_namespaces::watch(fabric.clone(), around.kernel.watch())));
    // It takes its redirects down when it is told to stop, so it is not cut off.
    let names = crate::names::serve(seen.listeners, around.resolver.clone(), tasks.stop.clone());
    tasks.tracker.spawn(names);
    fabric
}

/// Listens for other nodes and keeps talking to those that the registry names.
fn connect(
    around: &Surroundings,
    membership: &Membership,
    followed: &watch::Receiver<Followed>,
    tasks: &Tasks,
) -> anyhow::Result<(MeshHandle, mpsc::Receiver<MeshEvent>)> {
    let me = &membership.node;
    let (peers_sender, peers) = watch::channel(peers(&followed.borrow(), me.id));
    let listen = SocketAddr::new(around.options.listen.ip(), me.control.port());
    let connected = Mesh::start(listen, credentials(membership)?, peers)?;
    tasks.until(Box::pin(keep_peers(followed.clone(), me.id, peers_sender)));
    Ok(connected)
}

/// A manager's door.
fn office(manager: Option<Manager>, membership: &Membership) -> anyhow::Result<Option<Office>> {
    let (Some(manager), Some(pem)) = (manager, &membership.authority_pem) else { return Ok(None) };
    let admission = Admission::new(Authority::from_pem(pem)?, membership.node.id);
    Ok(Some(Office { manager, admission: Arc::new(admission) }))
}

/// Until it is known what should be, the kernel is left as it is: workloads run on.
async fn reconcile(mut target: watch::Receiver<Target>, reconciler: Reconciler<Linux>) {
    if target.wait_for(|target| target.generation > 0).await.is_ok() {
        reconciler.run().await;
    }
}

pub(super) fn credentials(membership: &Membership) -> anyhow::Result<Credentials> {
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
