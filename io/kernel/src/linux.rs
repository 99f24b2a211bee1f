//! The real kernel.

mod apply;
mod firewall;
mod generation;
mod inspect;
mod links;
mod observe;
mod passage;
mod settings;
mod watch;
mod world;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use weft_plan::{Observed, Plan};

use self::world::World;
use crate::netns::DIRECTORY;
use crate::{Applied, Disturbance, Kernel, Netns, ObserveError};

/// The kernel of this host, seen from one network namespace.
///
/// Its work blocks (for microseconds, mostly), so it is done on tokio's blocking threads, one call
/// at a time.
#[derive(Debug)]
pub struct Linux {
    world: Arc<Mutex<World>>,
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

    /// The kernel as another host on this machine sees it: segments are named in `directory`.
    ///
    /// # Errors
    ///
    /// If the namespace cannot be entered.
    pub fn at(host: Netns, directory: &Path) -> io::Result<Self> {
        let world = World::open(host.clone(), directory)?;
        Ok(Self { world: Arc::new(Mutex::new(world)), host, directory: directory.to_owned() })
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut World) -> T + Send + 'static,
    ) -> T {
        let world = Arc::clone(&self.world);
        let work = move || work(&mut world.lock().unwrap_or_else(PoisonError::into_inner));
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

impl Kernel for Linux {
    fn observe(&self) -> BoxFuture<'_, Result<Observed, ObserveError>> {
        self.work(World::observe).boxed()
    }

    fn apply<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Applied> {
        let plan = plan.clone();
        self.work(move |world| world.apply(&plan)).boxed()
    }

    fn watch(&self) -> BoxStream<'static, Disturbance> {
        watch::stream(&self.host, self.directory.clone())
    }
}
