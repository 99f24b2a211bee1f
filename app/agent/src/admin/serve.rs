//! The unix socket of the admin API.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::Request;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::serve::IncomingStream;
use nix::unistd::{Group, Uid, User, chown};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use weft_api::ProblemKind;

use crate::agent::Agent;
use crate::asker::Asker;
use crate::problem::{Told, problem};

/// Members of this group may administer, besides root.
const GROUP: &str = "weft";
const MODE: u32 = 0o660;

/// Serves the API on `path` until `stop`.
///
/// # Errors
///
/// If another agent listens there, or the socket cannot be made.
pub(crate) async fn serve(
    agent: Arc<Agent>,
    path: &Path,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let listener = bind(path).await?;
    let service = super::service(agent).layer(from_fn(for_whom));
    let service = service.into_make_service_with_connect_info::<Peer>();
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await?;
    Ok(())
}

/// Who has opened a connection, as the kernel says (`SO_PEERCRED`).
#[derive(Clone, Debug)]
struct Peer(Option<Asker>);

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let user = stream.io().peer_cred().ok().map(|peer| peer.uid());
        Self(user.map(|id| {
            // Not every user has a name.
            let known = User::from_uid(Uid::from_raw(id)).ok().flatten();
            Asker::User(known.map_or_else(|| id.to_string(), |user| user.name))
        }))
    }
}

/// Whatever a request does is done for who sent it.
async fn for_whom(
    ConnectInfo(Peer(asker)): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    match asker {
        Some(asker) => asker.asks(next.run(request)).await,
        None => next.run(request).await,
    }
}

async fn bind(path: &Path) -> anyhow::Result<UnixListener> {
    if UnixStream::connect(path).await.is_ok() {
        let what = format!("another agent listens on {}", path.display());
        let hint = "one agent a host: systemctl status weft; end that one first";
        return Err(Told(problem(ProblemKind::Conflict, what, hint)).into());
    }
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("remove the old {}", path.display()));
        }
        _ => {}
    }
    let listener =
        UnixListener::bind(path).with_context(|| format!("listen on {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
    if let Ok(Some(group)) = Group::from_name(GROUP) {
        chown(path, None, Some(group.gid))?;
    }
    Ok(listener)
}
