//! The client.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::TryStreamExt as _;
use reqwest::{Method, RequestBuilder, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{
    ApiError, Container, ContainerSummary, CreatedNetwork, EventStream, Filters, Network,
    NewNetwork,
};

/// Where the Engine listens unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/docker.sock";

/// A Docker Engine behind its unix socket.
///
/// Each call takes the time that its caller is ready to wait. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine {
    client: reqwest::Client,
    socket: PathBuf,
}

/// What the Engine is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Version {
    /// Its release, such as `20.10.24`.
    pub version: String,
    /// The newest API that it speaks.
    pub api_version: String,
    /// The kernel it runs on.
    pub kernel_version: String,
}

/// How the Engine is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Info {
    /// The host's name.
    pub name: String,
    /// Its release.
    pub server_version: String,
    /// Whether containers outlive the Engine.
    pub live_restore_enabled: bool,
    /// Where it keeps its data.
    pub docker_root_dir: String,
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

impl Engine {
    /// Makes a client for the socket; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ApiError::Client`] if the HTTP library cannot be set up.
    pub fn at(socket: impl Into<PathBuf>) -> Result<Self, ApiError> {
        let socket = socket.into();
        // No idle connections are kept: the Engine may be restarted between two calls, and a
        // connection to a unix socket costs nothing.
        let client = reqwest::Client::builder()
            .unix_socket(socket.as_path())
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build();
        match client {
            Ok(client) => Ok(Self { client, socket }),
            Err(source) => Err(ApiError::Client { socket, source }),
        }
    }

    /// The socket's path.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// What the Engine is.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; nothing changes.
    pub async fn version(&self, within: Duration) -> Result<Version, ApiError> {
        self.get(&["version"], &[], within).await
    }

    /// How the Engine is set up.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; nothing changes.
    pub async fn info(&self, within: Duration) -> Result<Info, ApiError> {
        self.get(&["info"], &[], within).await
    }

    /// All networks, or those of one driver; without their containers.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; nothing changes.
    pub async fn networks(
        &self,
        driver: Option<&str>,
        within: Duration,
    ) -> Result<Vec<Network>, ApiError> {
        let filters = driver.map(|driver| serde_json::json!({ "driver": [driver] }).to_string());
        let query: Vec<_> = filters.iter().map(|filters| ("filters", filters.as_str())).collect();
        self.get(&["networks"], &query, within).await
    }

    /// One network with its containers, by id or name.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; nothing changes.
    pub async fn network(&self, id: &str, within: Duration) -> Result<Network, ApiError> {
        self.get(&["networks", id], &[], within).await
    }

    /// Makes a network.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; unless [`ApiError::Refused`], it may have been made or may yet be.
    pub async fn create_network(
        &self,
        network: &NewNetwork,
        within: Duration,
    ) -> Result<CreatedNetwork, ApiError> {
        let call = Call::new(Method::POST, &["networks", "create"], &[]);
        let request = self.request(&call).json(network);
        self.read(&call, request, within).await
    }

    /// Removes a network.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; [`ApiError::is_not_found`] if it is gone already.
    pub async fn remove_network(&self, id: &str, within: Duration) -> Result<(), ApiError> {
        self.act(Method::DELETE, &["networks", id], within).await
    }

    /// One container, by id or name. Waits for a start in progress, so it must never be called
    /// from inside a driver's call: the start waits for the driver.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; nothing changes.
    pub async fn container(&self, id: &str, within: Duration) -> Result<Container, ApiError> {
        self.get(&["containers", id, "json"], &[], within).await
    }

    /// All containers, running or not.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; nothing changes.
    pub async fn containers(&self, within: Duration) -> Result<Vec<ContainerSummary>, ApiError> {
        self.get(&["containers", "json"], &[("all", "1")], within).await
    }

    /// Starts a container; one that runs is left as it is.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; unless [`ApiError::Refused`], it may yet start.
    pub async fn start_container(&self, id: &str, within: Duration) -> Result<(), ApiError> {
        self.act(Method::POST, &["containers", id, "start"], within).await
    }

    /// Events from now on. `within` is for the stream's beginning; then it has no end by itself.
    ///
    /// # Errors
    ///
    /// [`ApiError`] if the stream does not begin.
    pub async fn events(
        &self,
        filters: &Filters,
        within: Duration,
    ) -> Result<EventStream, ApiError> {
        let unreadable = |source| ApiError::Unreadable { call: "events filter".into(), source };
        let filters = serde_json::to_string(filters).map_err(unreadable)?;
        let call = Call::new(Method::GET, &["events"], &[("filters", &filters)]);
        let answer = self.send(&call, self.request(&call), within);
        let answer = tokio::time::timeout(within, answer)
            .await
            .unwrap_or_else(|_elapsed| Err(call.late(within)))?;
        let (socket, text) = (self.socket.clone(), call.text.clone());
        let chunks = answer.bytes_stream().map_err(move |source| ApiError::Unreachable {
            call: text.clone(),
            socket: socket.clone(),
            source,
        });
        Ok(EventStream::new(call.text, chunks))
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        within: Duration,
    ) -> Result<T, ApiError> {
        let call = Call::new(Method::GET, path, query);
        let request = self.request(&call);
        self.read(&call, request, within).await
    }

    async fn act(&self, method: Method, path: &[&str], within: Duration) -> Result<(), ApiError> {
        let call = Call::new(method, path, &[]);
        let request = self.request(&call).timeout(within);
        self.send(&call, request, within).await.map(drop)
    }

    async fn read<T: DeserializeOwned>(
        &self,
        call: &Call,
        request: RequestBuilder,
        within: Duration,
    ) -> Result<T, ApiError> {
        let answer = self.send(call, request.timeout(within), within).await?;
        let body = answer.bytes().await.map_err(|source| self.broken(call, within, source))?;
        serde_json::from_slice(&body)
            .map_err(|source| ApiError::Unreadable { call: call.text.clone(), source })
    }

    async fn send(
        &self,
        call: &Call,
        request: RequestBuilder,
        within: Duration,
    ) -> Result<Response, ApiError> {
        let answer = request.send().await.map_err(|source| self.broken(call, within, source))?;
        let status = answer.status();
        // 304: a container that is to be started runs already.
        if status.is_success() || status.as_u16() == 304 {
            return Ok(answer);
        }
        let body = answer.bytes().await.map_err(|source| self.broken(call, within, source))?;
        let message = serde_json::from_slice(&body)
            .map_or_else(|_| String::from_utf8_lossy(&body).into_owned(), |m: Message| m.message);
        Err(ApiError::Refused { call: call.text.clone(), status: status.as_u16(), message })
    }

    fn request(&self, call: &Call) -> RequestBuilder {
        self.client.request(call.method.clone(), call.url.as_str())
    }

    fn broken(&self, call: &Call, within: Duration, source: reqwest::Error) -> ApiError {
        if source.is_timeout() {
            return call.late(within);
        }
        ApiError::Unreachable { call: call.text.clone(), socket: self.socket.clone(), source }
    }
}

struct Call {
    method: Method,
    url: String,
    text: String,
}

impl Call {
    fn new(method: Method, path: &[&str], query: &[(&str, &str)]) -> Self {
        let text = format!("{method} /{}", path.join("/"));
        Self { method, url: url(path, query), text }
    }

    fn late(&self, within: Duration) -> ApiError {
        ApiError::Late { call: self.text.clone(), within }
    }
}

/// The host part is there because HTTP wants one; the socket says where it goes.
fn url(path: &[&str], query: &[(&str, &str)]) -> String {
    let path: Vec<_> = path.iter().map(|segment| encode(segment)).collect();
    let query: Vec<_> =
        query.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("http://docker/{}{mark}{}", path.join("/"), query.join("&"))
}

/// Leaves what RFC 3986 section 2.3 calls unreserved.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one =
        |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_filters_are_encoded() {
        assert_eq!(url(&["networks", "a/b c"], &[]), "http://docker/networks/a%2Fb%20c");
        assert_eq!(
            url(&["events"], &[("filters", "{\"a\"}")]),
            "http://docker/events?filters=%7B%22a%22%7D"
        );
    }

    #[tokio::test]
    async fn an_engine_that_is_not_there_is_told() {
        let engine = Engine::at("/nonexistent/docker.sock").unwrap();
        let error = engine.version(Duration::from_secs(5)).await.unwrap_err();
        assert!(matches!(error, ApiError::Unreachable { .. }), "{error:?}");
        assert!(error.hint().contains("systemctl status docker"));
    }
}
