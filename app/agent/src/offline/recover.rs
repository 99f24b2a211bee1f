//! One manager that is left becomes the only one.

use std::fs;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use tokio::sync::watch;
use weft_api::ProblemKind;
use weft_model::{NodeId, Role};
use weft_registry::{Command, Keeping, Revision, Snapshot, There, View, has_arrived, with_keeping};
use weft_store::{EtcdAccess, Raft, Store};

use super::{former, must_be_stopped, names, no_links, refused, runtime};
use crate::disk::{Disk, Membership};
use crate::options::{Flags, Options};
use crate::problem::{Told, no_member};
use crate::registry::{Backing, Manager};

/// What came of it.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The cluster's name.
    pub cluster: String,
    /// This node's name.
    pub node: String,
    /// The registry's revision, which has leapt.
    pub revision: Revision,
    /// The nodes that are managers no longer.
    pub demoted: Vec<String>,
    /// The prefix under which the registry has arrived in an etcd: it goes on there.
    pub arrived: Option<String>,
}

/// What is said to be so.
#[derive(Clone, Copy, Debug)]
pub struct Recover {
    /// What this host does not know may be lost.
    pub force: bool,
    /// The etcd that the registry was on its way to is gone for good.
    pub etcd_is_gone: bool,
}

/// Makes this host's manager the only one, with what its file has; the CA stays. If the registry was on its
/// way into an etcd and has arrived there, this host goes on there.
///
/// # Errors
///
/// If the agent runs, the host is no manager, its file is of no use, it is not said that it may be done, or it
/// cannot be seen whether the registry has arrived in an etcd; nothing has changed then.
pub fn recover(flags: Flags, asked: Recover) -> anyhow::Result<Recovered> {
    let options = Options::resolve(flags)?;
    must_be_stopped(&options)?;
    if !options.state.exists() {
        return Err(Told(no_member()).into());
    }
    let disk = Disk::open(&options.state)?;
    let membership = disk.membership()?.ok_or_else(|| Told(no_member()))?;
    if membership.authority_pem.is_none() {
        let what = "this host is no manager: it has nothing that the cluster could go on with";
        return Err(refused(ProblemKind::Denied, what, "run this on a manager that is left"));
    }
    if membership.etcd.is_some() {
        return Err(refused(ProblemKind::Conflict, KEPT, KEPT_HINT));
    }
    disk.must_have_manager_store()?;
    let held = Raft::peek(&disk.manager_store())?;
    let (view, me) = (View::from_snapshot(&held)?, membership.node.id);
    if !asked.force {
        return Err(not_sure(&view, me));
    }
    let runtime = runtime()?;
    if !asked.etcd_is_gone
        && moves(&with_its_log(&disk, me)?)
        && let Some(access) = runtime.block_on(arrived(options.etcd.as_ref(), &held, &view))?
    {
        disk.amend(|membership| membership.etcd = Some(access.clone()))?;
        disk.set_aside_manager_store()?;
        let (revision, demoted) = (view.revision(), Vec::new());
        let arrived = Some(access.prefix);
        return Ok(Recovered { arrived, ..told(&view, &membership, revision, demoted) });
    }
    Raft::recover(&disk.manager_store(), me)?;
    runtime.block_on(stand_alone(&disk, &membership))
}

fn moves(view: &View) -> bool {
    view.cluster().is_some_and(|cluster| cluster.keeping == Keeping::Moving)
}

/// The registry as this manager would go on with it: the seal may be in its log, and not yet in what it holds.
fn with_its_log(disk: &Disk, me: NodeId) -> anyhow::Result<View> {
    let copy = disk.manager_store().with_extension("looked-at");
    fs::copy(disk.manager_store(), &copy).with_context(|| format!("write {}", copy.display()))?;
    let looked = Raft::recover(&copy, me).and_then(|()| Raft::peek(&copy));
    fs::remove_file(&copy).with_context(|| format!("remove {}", copy.display()))?;
    Ok(View::from_snapshot(&looked?)?)
}

/// The way to the etcd that a sealed registry has a copy in; nothing, if it has none there.
async fn arrived(
    access: Option<&EtcdAccess>,
    held: &Snapshot,
    view: &View,
) -> anyhow::Result<Option<EtcdAccess>> {
    let (Some(access), Some(cluster)) = (access, view.cluster()) else {
        return Err(refused(ProblemKind::Conflict, ON_ITS_WAY, ON_ITS_WAY_HINT));
    };
    let Some(former) = former::look(access, &cluster.id).await? else { return Ok(None) };
    let sealed = with_keeping(held, Keeping::Moving)?;
    if has_arrived(&sealed, There::Found(&former.held), false).is_err() {
        let what = format!("etcd has an older registry of this cluster under {}", access.prefix);
        return Err(refused(ProblemKind::Conflict, what, ON_ITS_WAY_HINT));
    }
    Ok(Some(access.clone()))
}

const ON_ITS_WAY: &str = "the registry was on its way into an etcd, and may have arrived there: managers that know go on with it there";
const ON_ITS_WAY_HINT: &str = "name that etcd and the prefix as [store] in /etc/weft/weft.toml, and type this again: it goes on where the \
     registry is; only if that etcd is gone for good: weft recover --force --etcd-is-gone";

const KEPT: &str = "an etcd keeps the registry: any manager that reaches it is enough";
const KEPT_HINT: &str = "bring etcd back, by its own means (etcdctl snapshot restore); if all of it is gone for good, \
     begin anew from a backup: weft restore --force --etcd-is-gone FILE";

fn not_sure(view: &View, me: NodeId) -> anyhow::Error {
    if moves(view) {
        return refused(ProblemKind::Denied, ON_ITS_WAY, format!("add --force; {ON_ITS_WAY_HINT}"));
    }
    let others = names(view, |node| node.id != me && node.role == Role::Manager).join(", ");
    let what = format!(
        "this makes this host the cluster's only manager: whatever the others ({others}) know that \
         this one does not is lost, and they must not come back as managers. It has the registry up \
         to revision {}",
        view.revision()
    );
    let hint = "only if they are gone for good, and of those that are left this host has the highest \
                revision: weft recover --force";
    refused(ProblemKind::Denied, what, hint)
}

/// The others are workers from now on: those that come back find it so.
async fn stand_alone(disk: &Disk, membership: &Membership) -> anyhow::Result<Recovered> {
    let me = membership.node.id;
    let raft = Raft::open(&disk.manager_store(), me, no_links()).await?;
    let store: Arc<dyn Store> = Arc::new(raft.clone());
    let (_in_use, in_use) = watch::channel(Arc::default());
    let (manager, keeper) = Manager::new(store, Backing::Alone, in_use);
    let keeping = tokio::spawn(keeper.run());
    let view = View::from_snapshot(&raft.range("/").await?)?;
    if moves(&view) {
        // The etcd that it was on its way to is not to be had.
        let done = manager.command(me, Command::Keep(Keeping::Managers)).await;
        done.map_err(|refusal| anyhow!("keep the registry here: {}", refusal.error))?;
    }
    let others = view.nodes().values().filter(|node| node.id != me && node.role == Role::Manager);
    for node in others {
        let command = Command::SetRole { id: node.id, role: Role::Worker };
        let done = manager.command(me, command).await;
        done.map_err(|refusal| anyhow!("make {} a worker: {}", node.name, refusal.error))?;
    }
    let revision = raft.range("/").await?.revision;
    keeping.abort();
    raft.close().await;
    let demoted = names(&view, |node| node.id != me && node.role == Role::Manager);
    Ok(told(&view, membership, revision, demoted))
}

fn told(
    view: &View,
    membership: &Membership,
    revision: Revision,
    demoted: Vec<String>,
) -> Recovered {
    Recovered {
        cluster: view.cluster().map(|cluster| cluster.name.to_string()).unwrap_or_default(),
        node: membership.node.name.to_string(),
        revision,
        demoted,
        arrived: None,
    }
}
