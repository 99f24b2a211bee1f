//! One manager that is left becomes the only one.

use std::sync::Arc;

use anyhow::anyhow;
use tokio::sync::watch;
use weft_api::ProblemKind;
use weft_model::{NodeId, Role};
use weft_registry::{Command, Keeping, Revision, View};
use weft_store::{Raft, Store};

use super::{must_be_stopped, names, no_links, refused, runtime};
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
}

/// Makes this host's manager the only one, with what its file has; the CA stays.
///
/// # Errors
///
/// If the agent runs, the host is no manager, its file is of no use, or `sure` is not said; nothing has
/// changed then.
pub fn recover(flags: Flags, sure: bool) -> anyhow::Result<Recovered> {
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
    let view = View::from_snapshot(&Raft::peek(&disk.manager_store())?)?;
    let me = membership.node.id;
    if !sure {
        return Err(not_sure(&view, me));
    }
    Raft::recover(&disk.manager_store(), me)?;
    runtime()?.block_on(stand_alone(&disk, &membership))
}

const KEPT: &str = "an etcd keeps the registry: any manager that reaches it is enough";
const KEPT_HINT: &str = "bring etcd back, by its own means (etcdctl snapshot restore); if all of it is gone for good, \
     begin anew from a backup: weft restore --force FILE";

fn not_sure(view: &View, me: NodeId) -> anyhow::Error {
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
    if view.cluster().is_some_and(|cluster| cluster.keeping == Keeping::Moving) {
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
    Ok(Recovered {
        cluster: view.cluster().map(|cluster| cluster.name.to_string()).unwrap_or_default(),
        node: membership.node.name.to_string(),
        revision,
        demoted: names(&view, |node| node.id != me && node.role == Role::Manager),
    })
}
