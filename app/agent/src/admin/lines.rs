//! Answers that go on: JSON, one value a line, until the agent ends.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// The content type.
pub(super) const TYPE: &str = "application/x-ndjson";

/// A stream of what is heard from here on.
#[derive(Debug)]
pub(super) struct Lines<T>(pub(super) Receiver<Arc<T>>);

impl<T: Serialize + Send + Sync + 'static> IntoResponse for Lines<T> {
    fn into_response(self) -> Response {
        let lines = stream::unfold(self.0, |mut heard| async move {
            let line = line(&next(&mut heard).await?)?;
            Some((Ok::<_, Infallible>(line), heard))
        });
        ([(header::CONTENT_TYPE, TYPE)], Body::from_stream(lines)).into_response()
    }
}

/// A reader that is too slow misses some.
async fn next<T>(heard: &mut Receiver<Arc<T>>) -> Option<Arc<T>> {
    loop {
        match heard.recv().await {
            Ok(value) => return Some(value),
            Err(RecvError::Lagged(_missed)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

/// A value as a line; nothing if it cannot be written.
pub(super) fn line(value: &impl Serialize) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(value).ok()?;
    line.push(b'\n');
    Some(line)
}
