//! The plugin's socket: HTTP as Docker's plugin protocol has it.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener as StdListener, UnixStream};
use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use crate::Refusal;
use crate::driver::{Drivers, ipam, network};
use crate::protocol::{Activated, CONTENT_TYPE};

/// Where Docker looks for a plugin of the name `weft`.
pub const DEFAULT_PLUGIN_SOCKET: &str = "/run/docker/plugins/weft.sock";

/// The socket that Docker calls.
#[derive(Debug)]
pub enum PluginSocket {
    /// To be made here.
    At(PathBuf),
    /// Made by systemd: calls have been held since before this process began.
    Inherited(StdListener),
}

/// Why the socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another process accepts calls on it.
    #[error("another process serves docker on {0}")]
    Taken(PathBuf),
    /// The system refused.
    #[error("listen on {path}")]
    Listen {
        /// The path.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The inherited socket is of no use.
    #[error("take over the inherited plugin socket")]
    Inherit(#[source] io::Error),
}

impl SocketError {
    /// What a person can try.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Taken(_) => "one agent a host: systemctl status weft",
            Self::Listen { .. } => "the agent runs as root and needs a writable /run",
            Self::Inherit(_) => "weft.socket has ListenStream=/run/docker/plugins/weft.sock",
        }
    }
}

/// Listens; from here on calls wait for [`serve`] instead of failing.
pub(crate) fn listen(socket: PluginSocket) -> Result<UnixListener, SocketError> {
    match socket {
        PluginSocket::Inherited(listener) => nonblocking(listener).map_err(SocketError::Inherit),
        PluginSocket::At(path) => bind(path),
    }
}

/// A stale socket is replaced in one step and never before the new one accepts.
///
/// It is left behind at the end: Docker retries a socket that nobody serves, and gives up at once
/// on one that is not there.
fn bind(path: PathBuf) -> Result<UnixListener, SocketError> {
    if UnixStream::connect(&path).is_ok() {
        return Err(SocketError::Taken(path));
    }
    let listener = bind_beside(&path).and_then(nonblocking);
    listener.map_err(|source| SocketError::Listen { path, source })
}

fn bind_beside(path: &Path) -> io::Result<StdListener> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    // Not `*.sock`, or Docker would list it as a plugin.
    let beside = path.with_extension("new");
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = StdListener::bind(&beside)?;
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&beside, path)?;
    Ok(listener)
}

fn nonblocking(listener: StdListener) -> io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// Answers Docker's calls until told to stop; those under way are finished.
pub(crate) async fn serve(
    listener: UnixListener,
    drivers: Drivers,
    stop: CancellationToken,
) -> io::Result<()> {
    axum::serve(listener, router(drivers)).with_graceful_shutdown(stop.cancelled_owned()).await
}

pub(crate) fn router(drivers: Drivers) -> Router {
    let both = Router::new().route("/Plugin.Activate", post(activate));
    both.merge(ipam_router()).merge(network_router()).fallback(unknown).with_state(drivers)
}

fn ipam_router() -> Router<Drivers> {
    use ErrorKey::Ipam as key;
    Router::new()
        .route("/IpamDriver.GetCapabilities", on(key, ipam::capabilities))
        .route("/IpamDriver.GetDefaultAddressSpaces", on(key, ipam::address_spaces))
        .route("/IpamDriver.RequestPool", on(key, ipam::request_pool))
        .route("/IpamDriver.ReleasePool", on(key, ipam::release_pool))
        .route("/IpamDriver.RequestAddress", on(key, ipam::request_address))
        .route("/IpamDriver.ReleaseAddress", on(key, ipam::release_address))
}

fn network_router() -> Router<Drivers> {
    use ErrorKey::Network as key;
    Router::new()
        .route("/NetworkDriver.GetCapabilities", on(key, network::capabilities))
        .route("/NetworkDriver.CreateNetwork", on(key, network::create_network))
        .route("/NetworkDriver.DeleteNetwork", on(key, network::delete_network))
        .route("/NetworkDriver.CreateEndpoint", on(key, network::create_endpoint))
        .route("/NetworkDriver.DeleteEndpoint", on(key, network::delete_endpoint))
        .route("/NetworkDriver.EndpointOperInfo", on(key, network::oper_info))
        .route("/NetworkDriver.Join", on(key, network::join))
        .route("/NetworkDriver.Leave", on(key, network::leave))
        .route("/NetworkDriver.ProgramExternalConnectivity", on(key, network::ignore))
        .route("/NetworkDriver.RevokeExternalConnectivity", on(key, network::ignore))
        .route("/NetworkDriver.DiscoverNew", on(key, network::ignore))
        .route("/NetworkDriver.DiscoverDelete", on(key, network::ignore))
}

/// Under which key Docker looks for an error: under the other one it finds nothing and tells the
/// user nonsense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ErrorKey {
    Ipam,
    Network,
}

#[derive(Serialize)]
enum Failure {
    #[serde(rename = "Error")]
    Ipam(String),
    #[serde(rename = "Err")]
    Network(String),
}

async fn activate() -> Response {
    reply(&Activated { implements: ["NetworkDriver", "IpamDriver"] })
}

/// Swarm's calls, mostly: a plugin of this kind cannot serve Swarm.
async fn unknown(uri: axum::http::Uri) -> Response {
    let hint = "networks of weft itself: weft network create NAME (no Swarm is needed)";
    let refusal = Refusal::new(format!("weft does not serve docker's call {}", uri.path()), hint);
    tracing::warn!(call = uri.path(), "docker's call is unknown");
    let key = if uri.path().starts_with("/Ipam") { ErrorKey::Ipam } else { ErrorKey::Network };
    reply(&failure(key, &refusal))
}

/// A route to one call. The call runs in a task of its own, so that it is not cut in half when
/// Docker hangs up.
fn on<Asked, Answered, Call, Running>(key: ErrorKey, call: Call) -> MethodRouter<Drivers>
where
    Asked: DeserializeOwned + Send + 'static,
    Answered: Serialize + Send + 'static,
    Call: Fn(Drivers, Asked) -> Running + Clone + Send + Sync + 'static,
    Running: Future<Output = Result<Answered, Refusal>> + Send + 'static,
{
    post(move |State(drivers): State<Drivers>, uri: axum::http::Uri, body: Bytes| async move {
        let outcome = match parse(&body) {
            Ok(asked) => tokio::spawn(call(drivers, asked)).await.unwrap_or_else(|error| {
                Err(Refusal::new("the call broke off", "journalctl -u weft").because(error))
            }),
            Err(refusal) => Err(refusal),
        };
        match outcome {
            Ok(answer) => reply(&answer),
            Err(refusal) => {
                tracing::warn!(call = uri.path(), %refusal, "docker's call is refused");
                reply(&failure(key, &refusal))
            }
        }
    })
}

/// Some calls come without a body.
fn parse<Asked: DeserializeOwned>(body: &[u8]) -> Result<Asked, Refusal> {
    let body = body.trim_ascii();
    let body = if body.is_empty() || body == b"null" { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        let hint = "Docker Engine 20.10 to 29 are known to work: docker version";
        Refusal::new("docker's call cannot be read", hint).because(error)
    })
}

fn failure(key: ErrorKey, refusal: &Refusal) -> Failure {
    match key {
        ErrorKey::Ipam => Failure::Ipam(refusal.to_string()),
        ErrorKey::Network => Failure::Network(refusal.to_string()),
    }
}

fn reply(answer: &impl Serialize) -> Response {
    let body = serde_json::to_vec(answer).unwrap_or_else(|_unserializable| b"{}".to_vec());
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response()
}

#[cfg(test)]
mod tests;
