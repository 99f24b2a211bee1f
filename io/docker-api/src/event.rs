//! What happens in the Engine, as it happens.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;

use futures::stream::{BoxStream, StreamExt as _};
use futures::{Stream, TryStreamExt as _};
use serde::{Deserialize, Serialize};

use crate::ApiError;
use crate::nullable::nullable;

/// The longest event that is believed: all labels of a container stand in it.
const LONGEST_EVENT: usize = 4 << 20;

/// One thing that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Event {
    /// `network`, `container` and others.
    #[serde(rename = "Type")]
    pub kind: String,
    /// `create`, `connect` and others.
    #[serde(rename = "Action")]
    pub action: String,
    /// What it happened to.
    #[serde(rename = "Actor", deserialize_with = "nullable")]
    pub actor: Actor,
    /// When, in nanoseconds since 1970.
    #[serde(rename = "timeNano")]
    pub time_nano: i64,
}

impl Event {
    /// One of the actor's attributes; empty if it has none of the name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &str {
        self.actor.attributes.get(name).map_or("", String::as_str)
    }
}

/// What an event happened to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Actor {
    /// The id of the network or container.
    #[serde(rename = "ID")]
    pub id: String,
    /// Name, type, labels and more.
    #[serde(rename = "Attributes", deserialize_with = "nullable")]
    pub attributes: BTreeMap<String, String>,
}

/// Which events are wanted; an empty list: all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Filters {
    /// Kinds, such as `network`.
    #[serde(rename = "type", skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Actions, such as `create`.
    #[serde(rename = "event", skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
}

/// Events until the connection ends or an error; reconnecting is the caller's.
pub struct EventStream {
    events: BoxStream<'static, Result<Event, ApiError>>,
}

impl std::fmt::Debug for EventStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventStream").finish_non_exhaustive()
    }
}

impl Stream for EventStream {
    type Item = Result<Event, ApiError>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.events.poll_next_unpin(cx)
    }
}

impl EventStream {
    /// Cuts chunks of bytes into events, one a line.
    pub(crate) fn new<B: AsRef<[u8]> + Send + 'static>(
        call: String,
        chunks: impl Stream<Item = Result<B, ApiError>> + Send + 'static,
    ) -> Self {
        let mut lines = Lines { call, rest: Vec::new() };
        let events = chunks
            .map(move |chunk| lines.feed(chunk?.as_ref()))
            .map_ok(|events| futures::stream::iter(events.into_iter().map(Ok)))
            .try_flatten()
            .boxed();
        Self { events }
    }
}

struct Lines {
    call: String,
    rest: Vec<u8>,
}

impl Lines {
    fn feed(&mut self, chunk: &[u8]) -> Result<VecDeque<Event>, ApiError> {
        self.rest.extend_from_slice(chunk);
        let mut events = VecDeque::new();
        while let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
            let rest = self.rest.split_off(end + 1);
            let line = std::mem::replace(&mut self.rest, rest);
            if !line.trim_ascii().is_empty() {
                events.push_back(self.parse(&line)?);
            }
        }
        if self.rest.len() > LONGEST_EVENT {
            return Err(ApiError::Endless { call: self.call.clone(), limit: LONGEST_EVENT });
        }
        Ok(events)
    }

    fn parse(&self, line: &[u8]) -> Result<Event, ApiError> {
        serde_json::from_slice(line)
            .map_err(|source| ApiError::Unreadable { call: self.call.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(chunks: &[&'static str]) -> EventStream {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(chunk.as_bytes())).collect();
        EventStream::new("GET /events".into(), futures::stream::iter(chunks))
    }

    #[tokio::test]
    async fn events_are_cut_at_line_ends_wherever_chunks_end() {
        let chunks = [
            "{\"Type\":\"network\",\"Action\":\"cre",
            "ate\",\"Actor\":{\"ID\":\"n1\",\"Attributes\":{\"name\":\"app\"}}}\n{\"Type\":\"container\"",
            ",\"Action\":\"die\"}\n\n",
        ];
        let events: Vec<Event> = stream(&chunks).try_collect().await.unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!((events[0].action.as_str(), events[0].attribute("name")), ("create", "app"));
        assert_eq!((events[1].action.as_str(), events[1].attribute("name")), ("die", ""));
    }

    #[tokio::test]
    async fn a_line_that_is_no_event_ends_the_stream_with_an_error() {
        let outcome = stream(&["nonsense\n"]).try_collect::<Vec<_>>().await;
        assert!(matches!(outcome, Err(ApiError::Unreadable { .. })), "{outcome:?}");
    }
}
