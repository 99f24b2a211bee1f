//! Listening for what others do.

use std::path::PathBuf;

use futures::StreamExt;
use futures::stream::BoxStream;

use crate::{Disturbance, Netns};

/// Disturbances of a host and its segments.
pub(super) fn stream(_host: Netns, _directory: PathBuf) -> BoxStream<'static, Disturbance> {
    futures::stream::pending().boxed()
}
