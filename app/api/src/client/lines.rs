//! Answers that go on: JSON, one value a line.

use std::marker::PhantomData;
use std::path::PathBuf;

use reqwest::Response;
use serde::de::DeserializeOwned;

use super::CallError;

/// A stream of values, which ends when the agent does.
#[derive(Debug)]
pub struct Lines<T> {
    answer: Response,
    /// What has come and is not a whole line yet.
    rest: Vec<u8>,
    socket: PathBuf,
    values: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn new(answer: Response, socket: PathBuf) -> Self {
        Self { answer, rest: Vec::new(), socket, values: PhantomData }
    }

    /// The next value; nothing when there will be none.
    ///
    /// # Errors
    ///
    /// If the connection breaks, or a line is none of this client's.
    pub async fn next(&mut self) -> Result<Option<T>, CallError> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return serde_json::from_slice(&line).map(Some).map_err(CallError::Answer);
            }
            let more = self.answer.chunk().await;
            match more.map_err(|error| CallError::sending(&self.socket, error))? {
                Some(more) => self.rest.extend_from_slice(&more),
                None => return Ok(None),
            }
        }
    }
}
