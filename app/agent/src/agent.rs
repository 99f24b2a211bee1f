//! The daemon as a whole: one host, at most one membership, one change of it at a time.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;
use weft_api::{ClusterInit, ClusterJoin, ClusterLeave, ProblemKind};
use weft_docker::Degraded;
use weft_kernel::{Attachment, Kernel as _, TableUse};
use weft_model::Role;
use weft_plan::Observed;
use weft_registry::Command;
use weft_store::{Etcd, EtcdAccess};

use crate::datapath::Chosen;
use crate::disk::{Disk, Membership};
use crate::drops::DropsHandle;
use crate::events::EventsHandle;
use crate::hint::hint;
use crate::member::{Member, Surroundings, found, join, start, take_back};
use crate::office::seats;
use crate::problem::{Answer, because, chain, no_member, problem};

/// The daemon.
#[derive(Debug)]
pub(crate) struct Agent {
    around: Surroundings,
    member: watch::Sender<Option<Arc<Member>>>,
    degraded: watch::Receiver<Vec<Degraded>>,
    engine: watch::Receiver<Option<String>>,
    change: Mutex<()>,
}

impl Agent {
    /// A daemon that is no member yet.
    pub(crate) fn new(
        around: Surroundings,
        member: watch::Sender<Option<Arc<Member>>>,
        degraded: watch::Receiver<Vec<Degraded>>,
        engine: watch::Receiver<Option<String>>,
    ) -> Self {
        Self { around, member, degraded, engine, change: Mutex::new(()) }
    }

    /// The membership, if there is one.
    pub(crate) fn member(&self) -> Option<Arc<Member>> {
        self.member.borrow().clone()
    }

    /// The membership that a request needs.
    pub(crate) fn need(&self) -> Answer<Arc<Member>> {
        self.member().ok_or_else(no_member)
    }

    /// The membership as the disk has it.
    pub(crate) fn membership(&self) -> Answer<Membership> {
        let kept = self.around.disk.membership();
        let kept = kept.map_err(|e| {
            because(ProblemKind::Internal, "read this host's membership", &e, e.hint())
        })?;
        kept.ok_or_else(no_member)
    }

    /// What the kernel holds, read now.
    pub(crate) async fn observed(&self) -> Answer<Observed> {
        self.around.kernel.observe().await.map_err(|error| {
            because(ProblemKind::Internal, "read the kernel's state", &error, error.hint())
        })
    }

    /// How full the programs' tables are; nothing where there are none.
    pub(crate) async fn tables(&self) -> Vec<TableUse> {
        let tables = self.around.kernel.tables().await;
        tables.unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error).join(": "), "the programs' tables cannot be read");
            Vec::new()
        })
    }

    /// Who carries frames, and why.
    pub(crate) const fn datapath(&self) -> &Chosen {
        &self.around.datapath
    }

    /// How the guard's programs are attached.
    pub(crate) fn attachment(&self) -> Attachment {
        self.around.kernel.attachment()
    }

    /// The egress bridge's address and range.
    pub(crate) fn egress(&self) -> IpNet {
        self.around.options.egress
    }

    /// Standing troubles with this host's Docker.
    pub(crate) fn degraded(&self) -> Vec<Degraded> {
        self.degraded.borrow().clone()
    }

    /// This host's Docker Engine, as last seen.
    pub(crate) fn engine(&self) -> Option<String> {
        self.engine.borrow().clone()
    }

    /// The state directory.
    pub(crate) const fn disk(&self) -> &Disk {
        &self.around.disk
    }

    /// What this host drops.
    pub(crate) const fn drops(&self) -> &DropsHandle {
        &self.around.drops
    }

    /// What has happened to this host.
    pub(crate) const fn events(&self) -> &EventsHandle {
        &self.around.events
    }

    /// Takes up the membership that the disk remembers.
    ///
    /// # Errors
    ///
    /// If there is one and it cannot be started.
    pub(crate) async fn resume(&self) -> anyhow::Result<()> {
        let _one_at_a_time = self.change.lock().await;
        if let Some(membership) = self.around.disk.membership()? {
            let member = start(&self.around, membership).await?;
            tracing::info!(node = %member.node.id, name = %member.node.name, "this host is a member");
            self.take_up(&member);
        }
        Ok(())
    }

    /// From here on there is a member to ask; only then is Docker told of its networks.
    fn take_up(&self, member: &Arc<Member>) {
        self.member.send_replace(Some(Arc::clone(member)));
        member.show_networks(self.around.cluster_networks.clone());
    }

    /// Founds a cluster.
    pub(crate) async fn init(&self, asked: &ClusterInit) -> Answer<()> {
        let _one_at_a_time = self.change.lock().await;
        let founded = self.found(asked).await;
        let what =
            asked.name.as_ref().map_or_else(|| "a cluster".into(), |n| format!("cluster {n}"));
        self.around.events.commanded(format!("found {what}"), founded.as_ref().err());
        founded
    }

    async fn found(&self, asked: &ClusterInit) -> Answer<()> {
        self.refuse_second()?;
        let founded = found(&self.around, asked).await;
        let membership = founded.inspect_err(|_problem| drop(self.around.disk.clear()))?;
        let etcd = membership.etcd.clone();
        if let Err(problem) = self.begin(membership).await {
            forget_in(etcd).await;
            return Err(problem);
        }
        self.confirmed().await.map(drop)
    }

    /// Joins a cluster.
    pub(crate) async fn join(&self, asked: &ClusterJoin) -> Answer<()> {
        let _one_at_a_time = self.change.lock().await;
        let joined = self.enter(asked).await;
        let told = format!("let this host join, at {}", asked.manager);
        self.around.events.commanded(told, joined.as_ref().err());
        joined
    }

    async fn enter(&self, asked: &ClusterJoin) -> Answer<()> {
        self.refuse_second()?;
        let membership = join(&self.around, asked).await?;
        self.begin(membership).await?;
        let member = self.confirmed().await?;
        if member.node.role == Role::Manager {
            // A manager that is late takes its seat all the same.
            let _late = seats::seated(&member, member.node.id).await;
        }
        Ok(())
    }

    /// A person who reads the answer wants to see a connected node; one that is not is told so.
    async fn confirmed(&self) -> Answer<Arc<Member>> {
        let member = self.need()?;
        drop(timeout(CONNECTING, member.fabric.registry.confirmed()).await);
        Ok(member)
    }

    fn refuse_second(&self) -> Answer<()> {
        let Some(member) = self.member() else { return Ok(()) };
        let view = member.fabric.view();
        let name = view.cluster().map_or_else(String::new, |c| format!(" `{}`", c.name));
        let what = format!("this host is already a member of cluster{name}");
        Err(problem(ProblemKind::Conflict, what, "leave that cluster first: weft leave"))
    }

    async fn begin(&self, membership: Membership) -> Answer<()> {
        let kept = membership.clone();
        match start(&self.around, membership).await {
            Ok(member) => {
                tracing::info!(node = %member.node.id, name = %member.node.name, "became a member");
                self.take_up(&member);
                Ok(())
            }
            Err(error) => {
                let undone = self.around.disk.clear();
                let hint = hint(&error).unwrap_or_else(|| HINT.to_owned());
                let mut problem =
                    problem(ProblemKind::Internal, "the membership could not start", hint);
                problem.cause = chain(error.as_ref());
                problem.cause.extend(undone.err().map(|error| error.to_string()));
                Err(take_back(&kept, problem).await)
            }
        }
    }

    /// Leaves the cluster and takes everything of Weft out of the kernel.
    pub(crate) async fn leave(&self, asked: ClusterLeave) -> Answer<()> {
        let _one_at_a_time = self.change.lock().await;
        let member = self.need()?;
        let attached = member.fabric.state.picture().attachments.len();
        if attached > 0 && !asked.force {
            let what = format!("{attached} workloads of this host are on the cluster's networks");
            let hint = "stop them first (weft endpoint ls), or cut them off: weft leave --force";
            return Err(problem(ProblemKind::Conflict, what, hint));
        }
        if let Err(problem) = seats::vacate(&member).await {
            if !asked.force {
                return Err(problem);
            }
            tracing::warn!(%problem, "left without giving back the seat among the managers");
        }
        let last = member.fabric.view().nodes().len() <= 1;
        let etcd = self.around.disk.membership().ok().flatten().and_then(|own| own.etcd);
        self.deregister(&member, asked).await?;
        self.member.send_replace(None);
        member.stop().await;
        forget_in(etcd.filter(|_| last)).await;
        // Nothing of the cluster is here any more: Docker's copies of its networks go.
        self.around.cluster_networks.send_replace(Some(Arc::default()));
        self.around.events.left();
        self.around.disk.clear().map_err(|error| {
            because(ProblemKind::Internal, "forget the cluster", &error, error.hint())
        })?;
        self.clear_kernel().await
    }

    async fn deregister(&self, member: &Member, asked: ClusterLeave) -> Answer<()> {
        if member.fabric.view().nodes().len() <= 1 {
            return Ok(());
        }
        let command = Command::RemoveNode { id: member.node.id, force: asked.force };
        // Managers part with who is no member, and their answer may be lost with the connection. What one
        // said before it was asked may be old.
        let already = member.fabric.state.picture().disowned;
        let decided = tokio::select! {
            biased;
            decided = member.fabric.registry.command(command) => decided,
            () = member.fabric.state.disowned(), if !already => return Ok(()),
        };
        match decided {
            Err(problem)
                if problem.kind == ProblemKind::Unsettled && is_taken_out(member).await =>
            {
                Ok(())
            }
            Err(problem) if !asked.force => Err(problem),
            Err(problem) => {
                tracing::warn!(%problem, "left without telling the managers: weft node rm there");
                Ok(())
            }
            Ok(_done) => Ok(()),
        }
    }

    async fn clear_kernel(&self) -> Answer<()> {
        let observed = self.observed().await?;
        let plan = weft_plan::teardown(&observed);
        let applied = self.around.kernel.apply(&plan).await;
        applied.failures.first().map_or(Ok(()), |failure| {
            let what = format!("left, but could not {}", failure.change);
            Err(because(ProblemKind::Internal, what, &failure.error, failure.error.hint()))
        })
    }

    /// Ends the daemon; the data plane goes on.
    pub(crate) async fn stop(&self) {
        if let Some(member) = self.member.send_replace(None) {
            member.stop().await;
        }
    }
}

/// Whether a manager says that this host is no member, within [`PARTING`].
async fn is_taken_out(member: &Member) -> bool {
    timeout(PARTING, member.fabric.state.disowned()).await.is_ok()
}

/// A cluster that is no more leaves nothing in the etcd that kept its registry.
async fn forget_in(etcd: Option<EtcdAccess>) {
    let Some(etcd) = etcd else { return };
    if let Err(error) = Etcd::remove(&etcd).await {
        let hint = format!("etcdctl del --prefix {}", etcd.prefix);
        tracing::warn!(%error, hint, "the registry of a cluster that is no more is still in etcd");
    }
}

/// How long the answer to a join waits for the first connection.
const CONNECTING: Duration = Duration::from_secs(3);
/// How soon a host that was taken out is told, once it asks a manager again.
const PARTING: Duration = Duration::from_secs(5);
const HINT: &str = "look at the agent's log; nothing of the membership was kept";
