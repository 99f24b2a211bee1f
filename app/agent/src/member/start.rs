//! Starts a membership: every task, its inputs and its outputs.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weft_kernel::{Kernel, Linux};
use weft_model::Node;
use weft_transport::{Credentials, Mesh, MeshEvent, MeshHandle, Peers};

use super::peers::{keep_peers, peers};
use super::stores::Stores;
use super::{
    Member, Surroundings, claim_again, claim_ahead, give_back, moved, seek, tear_down, underlay,
    watch_namespaces,
};
use crate::ca::CaKeeper;
use crate::captures::CapturesKeeper;
use crate::certificate::{Renewal, credentials, notary};
use crate::disk::{Cache, Membership};
use crate::fabric::Fabric;
use crate::inspect::{Desk, Inspector};
use crate::mesh::sort;
use crate::office::{Premises, SeatKeeper, Tenure};
use crate::pause::Pause;
use crate::reconcile::{Reconciler, Target};
use crate::registry::{Commander, Followed, Follower};
use crate::state::{Outputs, Seen, Start, StateHandle};
use crate::strangers::Strangers;

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
    let (tasks, me) = (Tasks::default(), membership.node.clone());
    let stores = Stores::open(around, &membership).await?;
    let inner_mtu = underlay::inner_mtu(&me, &stores.view).await;
    let (out, followed) = watch::channel(Followed::stale(stores.view));
    let tenure = Tenure::new(stores.held);
    let (shown, own) = watch::channel(Arc::new(credentials(&membership)?));
    let (peers, mesh, events) = connect(around, &me, own.clone(), &followed)?;
    let cache = Cache::new(around.disk.clone());
    let follower = Follower { me: me.id, tenure: tenure.clone(), mesh: mesh.clone(), cache, out };
    keep_registry(follower, stores.premises, followed.clone(), &tasks);

    let (out, seen, networks) = Outputs::new(&me, around, stores.in_use);
    let state = Start {
        me: me.clone(),
        notary: notary(&membership)?,
        remembered: stores.remembered,
        local: stores.local,
        mesh: mesh.clone(),
        registry: followed.clone(),
        inner_mtu,
        engine: around.datapath.engine,
        egress: around.options.egress,
        metrics: around.options.metrics,
        counters: around.counters.clone(),
        out,
    };
    tasks.until(Box::pin(keep_peers((followed.clone(), seen.picture.clone()), me.id, peers)));
    let registry = Commander::new(me.id, (&tenure, &mesh), &followed, &around.events);
    let renewal = Renewal {
        disk: around.disk.clone(),
        membership,
        tenure: tenure.clone(),
        mesh: mesh.clone(),
        registry: registry.clone(),
        followed,
        shown,
        counters: around.counters.clone(),
        events: around.events.clone(),
    };
    certify(renewal, &tasks);
    let desk = serve(around, state, registry, (events, tenure.clone(), own), (seen, &tasks));
    let (inspector, clock) = compare_clocks(desk.clone(), &tasks);
    Ok(Arc::new(Member {
        node: me,
        reconciled: desk.fabric.reconciled.clone(),
        fabric: desk.fabric,
        inspector,
        clock,
        tenure,
        mesh,
        networks,
        tasks: tasks.tracker,
        _stop_on_drop: tasks.stop.clone().drop_guard(),
        stop: tasks.stop,
    }))
}

/// Follows the registry, and keeps this node's seat among the managers in line with it.
fn keep_registry(
    follower: Follower,
    premises: Premises,
    followed: watch::Receiver<Followed>,
    tasks: &Tasks,
) {
    let (tenure, mesh) = (follower.tenure.clone(), follower.mesh.clone());
    premises.links.connect(mesh.clone());
    tasks.until(Box::pin(SeatKeeper { premises, tenure, mesh, followed }.run()));
    tasks.until(Box::pin(follower.run()));
}

/// Keeps this node's certificate good and, on managers, the CA the registry's.
fn certify(renewal: Renewal, tasks: &Tasks) {
    let (disk, tenure) = (renewal.disk.clone(), renewal.tenure.clone());
    let keeper = CaKeeper {
        disk,
        tenure,
        mesh: renewal.mesh.clone(),
        registry: renewal.registry.clone(),
        followed: renewal.followed.clone(),
    };
    tasks.until(Box::pin(keeper.run()));
    tasks.until(Box::pin(renewal.run()));
}

/// Compares this host's clock with the managers'.
fn compare_clocks(desk: Desk, tasks: &Tasks) -> (Inspector, watch::Receiver<Option<i64>>) {
    let ((ahead, clock), inspector) = (watch::channel(None), Inspector::new(desk));
    tasks.until(Box::pin(crate::clock::compare(inspector.clone(), ahead)));
    (inspector, clock)
}

/// Starts the state's owner and everything that follows from the state.
fn serve(
    around: &Surroundings,
    state: Start,
    registry: Commander,
    (events, tenure, own): (mpsc::Receiver<MeshEvent>, Tenure, watch::Receiver<Arc<Credentials>>),
    (seen, tasks): (Seen, &Tasks),
) -> Desk {
    let (asks_sender, asks) = mpsc::channel(QUEUE);
    let (heard_sender, heard) = mpsc::channel(QUEUE);
    let (reconciled_sender, reconciled) = watch::channel(None);
    let (me, mesh, followed) = (state.me.id, state.mesh.clone(), state.registry.clone());
    let mut state = state.build();
    state.publish();
    let handle = StateHandle::new(asks_sender, seen.picture);
    let (meant, reached) = (seen.meant, reconciled.clone());
    let told = (around.zones.clone(), seen.listening);
    tasks.until(Box::pin(crate::names::unveil(meant, reached, told)));
    let pause = Pause::default();
    let fabric = Fabric {
        registry,
        state: handle,
        reconciled,
        pause: pause.clone(),
        ceding: Arc::default(),
        claiming: Arc::default(),
    };

    let (kernel, target) = (Arc::clone(&around.kernel), seen.target.clone());
    let (captures, keep_captures) = CapturesKeeper::new(fabric.state.clone());
    tasks.until(Box::pin(keep_captures.run()));
    let desk = Desk {
        fabric: fabric.clone(),
        kernel,
        target,
        events: around.events.clone(),
        captures,
        drops: around.drops.clone(),
        mesh: mesh.clone(),
        own,
        state_directory: around.options.state.clone(),
        docker_socket: around.options.docker_socket.clone(),
    };

    let told = (around.counters.clone(), around.events.clone());
    let input = (seen.target.clone(), pause);
    let reconciler = Reconciler::new(Arc::clone(&around.kernel), input, reconciled_sender, told);
    tasks.until(Box::pin(state.run(asks, heard)));
    let strangers = Strangers::new(around.counters.clone());
    tasks.until(Box::pin(sort(events, heard_sender, desk.clone(), tenure, strangers)));
    tasks.until(Box::pin(reconcile(seen.target, reconciler)));
    tasks.until(Box::pin(claim_ahead::claim_ahead(fabric.clone(), seen.low_networks)));
    tasks.until(Box::pin(claim_again::claim_again(fabric.clone())));
    tasks.until(Box::pin(give_back::give_back(fabric.clone(), seen.idle_blocks)));
    tasks.until(Box::pin(watch_namespaces::watch(fabric.clone(), around.kernel.watch())));
    tasks.until(Box::pin(seek::seek(fabric.clone())));
    tasks.until(Box::pin(underlay::follow(fabric.clone(), around.kernel.watch())));
    let moves = moved::watch(fabric.clone(), mesh, around.disk.clone(), around.kernel.watch());
    tasks.until(Box::pin(moves));
    let kernel = Arc::clone(&around.kernel);
    tasks.until(Box::pin(tear_down::tear_down(me, fabric.clone(), kernel, followed)));
    // It takes its redirects down when it is told to stop, so it is not cut off.
    let (resolver, complaints) = (around.resolver.clone(), around.complaints.clone());
    let wanted = (seen.listeners, around.beyond.clone());
    let names = crate::names::serve(wanted, resolver, complaints, tasks.stop.clone());
    tasks.tracker.spawn(names);
    desk
}

/// Listens for other nodes and keeps talking to those that the registry names.
fn connect(
    around: &Surroundings,
    me: &Node,
    own: watch::Receiver<Arc<Credentials>>,
    followed: &watch::Receiver<Followed>,
) -> anyhow::Result<(watch::Sender<Peers>, MeshHandle, mpsc::Receiver<MeshEvent>)> {
    let (sender, peers) = watch::channel(peers(&followed.borrow(), me.id, &BTreeSet::new()));
    let listen = SocketAddr::new(around.options.listen.ip(), me.control.port());
    let (mesh, events) = Mesh::start(listen, own, peers)?;
    Ok((sender, mesh, events))
}

/// Until it is known what should be, the kernel is left as it is: workloads run on.
async fn reconcile(mut target: watch::Receiver<Target>, reconciler: Reconciler<Linux>) {
    if target.wait_for(|target| target.generation > 0).await.is_ok() {
        reconciler.run().await;
    }
}
