//! A cluster begins anew from a backup, on a fresh host or on a manager that has lost its registry.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use weft_api::ProblemKind;
use weft_kernel::host;
use weft_model::{Node, Role, Vtep};
use weft_registry::{Keeping, View, with_keeping, with_only_manager};
use weft_store::{EtcdAccess, Raft, Redb, Store};

use super::former::{self, Former};
use super::{must_be_stopped, names, refused, runtime};
use crate::backup::Backup;
use crate::disk::{Disk, Membership};
use crate::local::Local;
use crate::options::{Flags, Options};
use crate::problem::{Told, because};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The backup.
    pub file: PathBuf,
    /// The address that others reach this host at, if it is not the one that the manager had.
    pub advertise: Option<IpAddr>,
    /// Whether a registry that is here, or in an etcd, may be replaced.
    pub force: bool,
    /// Whether the etcd that kept the registry is gone for good.
    pub etcd_is_gone: bool,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The cluster's name.
    pub cluster: String,
    /// The name of this node, its only manager.
    pub node: String,
    /// How many nodes it has.
    pub nodes: usize,
    /// How many networks it has.
    pub networks: usize,
    /// The nodes that are managers no longer.
    pub demoted: Vec<String>,
    /// Under which prefix an etcd kept the registry until now.
    pub retired: Option<String>,
}

/// Makes this host the only manager of the cluster in a backup.
///
/// A host that is no member becomes the manager that made the backup, keys and all; a member keeps its
/// own identity. A registry that is in an etcd is taken out of use there: no manager goes on with it.
///
/// # Errors
///
/// If the agent runs, the file is no backup, this host is of another cluster or has a registry, or it cannot be
/// seen whether the registry goes on in an etcd; nothing has changed then.
pub fn restore(flags: Flags, asked: &Restore) -> anyhow::Result<Restored> {
    let options = Options::resolve(flags)?;
    must_be_stopped(&options)?;
    let (backup, view) = read(&asked.file)?;
    let disk = Disk::open(&options.state)?;
    let before = disk.membership()?;
    let runtime = runtime()?;
    let membership = match &before {
        Some(own) => own_identity(own, &backup, &disk, asked.force)?,
        None => Membership {
            node: runtime.block_on(here(&backup.membership.node, asked.advertise))?,
            ..backup.membership.clone()
        },
    };
    must_have_name(&view, &membership.node)?;
    let noted = before.as_ref().and_then(|own| own.etcd.clone());
    let access = options.etcd.clone().or(noted).or_else(|| backup.membership.etcd.clone());
    let former = runtime.block_on(in_etcd(access.as_ref(), &membership.cluster, asked))?;
    let mut registry = with_only_manager(&backup.registry, &membership.node)?;
    if let Some(former) = &former {
        // Later than all that anybody knows from there.
        registry.revision = registry.revision.max(former.held.revision);
        let kept = disk.replaced_manager_store();
        drop(fs::remove_file(&kept));
        Raft::restore(&kept, membership.node.id, &former.held)?;
        runtime.block_on(former.store.retire())?;
    }
    // It is on this host's disk from now on, wherever it was.
    let registry = with_keeping(&registry, Keeping::Managers)?;
    let membership = Membership { etcd: None, ..membership };
    if before.is_none() {
        disk.clear()?;
        runtime.block_on(fresh_local(&disk))?;
    }
    let fresh = disk.manager_store().with_extension("restored");
    drop(fs::remove_file(&fresh));
    Raft::restore(&fresh, membership.node.id, &registry)?;
    disk.replace_manager_store(&fresh)?;
    disk.found(&membership)?;
    let retired = former.and(access).map(|access| access.prefix);
    Ok(Restored { retired, ..told(&view, &membership.node) })
}

const IN_ETCD: &str =
    "the cluster's registry is in an etcd: what that holds and the backup does not would be lost";
const IN_ETCD_HINT: &str = "managers that reach that etcd need no backup; if the registry is to leave it, or what it holds is of no use: stop the \
     agents of all managers, then weft restore --force FILE on one (what etcd holds is kept beside, as manager.redb.replaced)";

/// The registry in an etcd, if there is one, which another one is to take the place of.
async fn in_etcd(
    access: Option<&EtcdAccess>,
    cluster: &str,
    asked: &Restore,
) -> anyhow::Result<Option<Former>> {
    let Some(access) = access.filter(|_access| !asked.etcd_is_gone) else { return Ok(None) };
    let former = former::look(access, cluster).await?;
    if former.is_some() && !asked.force {
        return Err(refused(ProblemKind::Conflict, IN_ETCD, IN_ETCD_HINT));
    }
    Ok(former)
}

fn told(view: &View, me: &Node) -> Restored {
    Restored {
        retired: None,
        cluster: view.cluster().map(|cluster| cluster.name.to_string()).unwrap_or_default(),
        node: me.name.to_string(),
        nodes: view.nodes().len(),
        networks: view.networks().len(),
        demoted: names(view, |node| node.id != me.id && node.role == Role::Manager),
    }
}

fn read(file: &std::path::Path) -> anyhow::Result<(Backup, View)> {
    let what = || format!("cannot restore {}", file.display());
    let text = fs::read_to_string(file).map_err(|error| {
        let hint = "name a file that `weft backup` has written";
        Told(because(ProblemKind::BadInput, what(), &error, hint))
    })?;
    let read = Backup::from_text(&text);
    Ok(read.map_err(|e| Told(because(ProblemKind::BadInput, what(), &e, e.hint())))?)
}

/// A member goes on as who it is, with the cluster's CA.
fn own_identity(
    own: &Membership,
    backup: &Backup,
    disk: &Disk,
    force: bool,
) -> anyhow::Result<Membership> {
    if own.cluster != backup.membership.cluster {
        let what = "this host is a member of another cluster than the one in the backup";
        let hint = "leave that one first (weft leave), or restore on another host";
        return Err(refused(ProblemKind::Conflict, what, hint));
    }
    if disk.manager_store().exists() && !force {
        let what = "this host has a registry: what it holds that the backup does not would be lost";
        let hint = "if it is of no use any more: weft restore --force FILE (it is kept beside, as \
                    manager.redb.replaced); if most other managers are gone, try weft recover first";
        return Err(refused(ProblemKind::Conflict, what, hint));
    }
    let node = Node { role: Role::Manager, ..own.node.clone() };
    let authority_pem = backup.membership.authority_pem.clone();
    Ok(Membership { node, authority_pem, ..own.clone() })
}

/// The manager of the backup, as it is on this host.
async fn here(node: &Node, advertise: Option<IpAddr>) -> anyhow::Result<Node> {
    let Vtep(before) = node.vtep;
    let address = advertise.unwrap_or(before);
    let own = host::addresses().await.unwrap_or_default();
    if own.iter().any(|net| net.addr() == address) {
        let control = SocketAddr::new(address, node.control.port());
        return Ok(Node { role: Role::Manager, vtep: Vtep(address), control, ..node.clone() });
    }
    let what = format!("no interface of this host has address {address}, which {} had", node.name);
    let hint =
        "say which address the others reach this host at: weft restore --advertise ADDRESS FILE";
    Err(refused(ProblemKind::BadInput, what, hint))
}

fn must_have_name(view: &View, node: &Node) -> anyhow::Result<()> {
    match view.node_named(&node.name) {
        Some(other) if other.id != node.id => {
            let what = format!("the backup knows another node that is called {}", node.name);
            let hint = "restore on a host that is in no cluster, or on that node";
            Err(refused(ProblemKind::Conflict, what, hint))
        }
        _ => Ok(()),
    }
}

/// An empty state whose epoch is later than any that the lost host can have reached by counting starts:
/// the others take no older rows.
async fn fresh_local(disk: &Disk) -> anyhow::Result<()> {
    let store: Arc<dyn Store> = Arc::new(Redb::open(&disk.local_store())?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("read the clock")?;
    Local::new(store).begin_at(now.as_secs()).await.map_err(Told)?;
    Ok(())
}
