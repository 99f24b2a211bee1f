//! The real kernel.

use std::io;
use std::path::{Path, PathBuf};

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use weft_plan::{Observed, Plan};

use crate::netns::DIRECTORY;
use crate::{Applied, Disturbance, Kernel, Netns, ObserveError};

/// The kernel of this host, seen from one network namespace.
#[derive(Debug)]
pub struct Linux {
    host: Netns,
    directory: PathBuf,
}

impl Linux {
    /// The kernel as the calling thread sees it: its namespace is the host's.
    ///
    /// # Errors
    ///
    /// If the namespace cannot be opened.
    pub fn new() -> io::Result<Self> {
        Self::at(Netns::current()?, Path::new(DIRECTORY))
    }

    /// The kernel as another host on this machine sees it.
    ///
    /// # Errors
    ///
    /// If the namespace cannot be entered.
    pub fn at(host: Netns, directory: &Path) -> io::Result<Self> {
        Ok(Self { host, directory: directory.to_owned() })
    }
}

impl Kernel for Linux {
    fn observe(&self) -> BoxFuture<'_, Result<Observed, ObserveError>> {
        async { Ok(Observed::default()) }.boxed()
    }

    fn apply<'a>(&'a self, _plan: &'a Plan) -> BoxFuture<'a, Applied> {
        async { Applied::default() }.boxed()
    }

    fn watch(&self) -> BoxStream<'static, Disturbance> {
        futures::stream::pending().boxed()
    }
}
