//! The client: one call a route, over the agent's unix socket.

mod failure;
mod lines;
mod routes;

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Method, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{ApiProblem, ProblemKind};

pub use failure::CallError;
pub use lines::Lines;

/// Longer than anything the agent does within one call.
const LONGEST_CALL: Duration = Duration::from_secs(120);
/// Longer than anybody watches a stream: ten years.
const FOLLOWING: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Speaks with one agent.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    root: Url,
    socket: PathBuf,
}

impl Client {
    /// Speaks with the agent that listens at `socket`; connects when it is first asked.
    ///
    /// # Errors
    ///
    /// [`CallError::Client`] when the HTTP library does not start.
    pub fn at(socket: &Path) -> Result<Self, CallError> {
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .no_proxy()
            .timeout(LONGEST_CALL)
            .build()
            .map_err(CallError::Client)?;
        // A host name is part of every HTTP request; over a unix socket nobody looks it up.
        let root = Url::parse("http://weft/").map_err(|_parse| CallError::BadQuestion)?;
        Ok(Self { http, root, socket: socket.to_owned() })
    }

    /// Where the agent is looked for.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// `segments` are escaped one by one: a `/` in a reference leads to no other route.
    fn url(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Url, CallError> {
        let mut url = self.root.clone();
        url.path_segments_mut()
            .map_err(|()| CallError::BadQuestion)?
            .pop_if_empty()
            .push(crate::PREFIX.trim_start_matches('/'))
            .extend(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    async fn get<A: DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<A, CallError> {
        let url = self.url(segments, query)?;
        self.answer(self.http.request(Method::GET, url)).await
    }

    async fn post<A: DeserializeOwned>(
        &self,
        segments: &[&str],
        body: &(impl Serialize + Sync),
    ) -> Result<A, CallError> {
        let url = self.url(segments, &[])?;
        self.answer(self.http.request(Method::POST, url).json(body)).await
    }

    async fn delete<A: DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<A, CallError> {
        let url = self.url(segments, query)?;
        self.answer(self.http.request(Method::DELETE, url)).await
    }

    async fn follow<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Lines<T>, CallError> {
        let request = self.http.request(Method::GET, self.url(segments, query)?);
        let answer = self.send(request.timeout(FOLLOWING)).await?;
        Ok(Lines::new(answer, self.socket.clone()))
    }

    async fn answer<A: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<A, CallError> {
        let sent = self.send(request).await?;
        let bytes = sent.bytes().await.map_err(|error| CallError::sending(&self.socket, error))?;
        // An answer without a body is an empty object: `Done`.
        let text = if bytes.is_empty() { b"{}".as_slice() } else { bytes.as_ref() };
        serde_json::from_slice(text).map_err(CallError::Answer)
    }

    /// The answer, if it is not a problem.
    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, CallError> {
        let sent = request.send().await.map_err(|error| CallError::sending(&self.socket, error))?;
        match sent.status().is_success() {
            true => Ok(sent),
            false => Err(CallError::Problem(problem(sent).await)),
        }
    }
}

/// The problem that an answer holds, or the nearest to its status.
async fn problem(answer: Response) -> ApiProblem {
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_else(|_other| ApiProblem {
        error: format!("the agent answered {status}"),
        cause: text.lines().next().map(str::to_owned).into_iter().collect(),
        hint: "is the agent of the same version as this command? compare with `weft version`"
            .into(),
        kind: ProblemKind::of_status(status.as_u16()),
    })
}
