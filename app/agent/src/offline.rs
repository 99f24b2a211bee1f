//! What is done to a manager's files while its agent does not run.

mod former;
mod recover;
mod restore;

use std::os::unix::net::UnixStream;
use std::sync::Arc;

use anyhow::Context as _;
use futures::future::{BoxFuture, FutureExt as _, ready};
use tokio::runtime::{Builder, Runtime};
use weft_api::ProblemKind;
use weft_model::{Node, NodeId};
use weft_registry::View;
use weft_store::{LinkError, Links};

use crate::options::Options;
use crate::problem::{Told, problem};

pub use recover::{Recover, Recovered, recover};
pub use restore::{Restore, Restored, restore};

/// A manager that is the only one needs no ways to others.
#[derive(Debug)]
struct NoLinks;

impl Links for NoLinks {
    fn ask(&self, _to: NodeId, _message: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, LinkError>> {
        ready(Err(LinkError::NotConnected)).boxed()
    }
}

fn no_links() -> Arc<dyn Links> {
    Arc::new(NoLinks)
}

fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("start the runtime")
}

/// The files are the agent's for as long as it runs.
fn must_be_stopped(options: &Options) -> anyhow::Result<()> {
    if UnixStream::connect(options.admin_socket()).is_err() {
        return Ok(());
    }
    let what = format!("the agent runs: it listens at {}", options.admin_socket().display());
    Err(refused(
        ProblemKind::Conflict,
        what,
        "stop it first (systemctl stop weft), and start it after",
    ))
}

fn refused(kind: ProblemKind, what: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    Told(problem(kind, what, hint)).into()
}

/// Those nodes' names, in order.
fn names(view: &View, which: impl Fn(&Node) -> bool) -> Vec<String> {
    let those = view.nodes().values().filter(|node| which(node));
    let mut names: Vec<String> = those.map(|node| node.name.to_string()).collect();
    names.sort();
    names
}
