//! The real kernel.

mod apply;
mod closeup;
mod firewall;
mod gate;
mod generation;
mod inspect;
mod links;
mod observe;
mod passage;
mod ports;
mod settings;
mod tunnel;
mod watch;
mod world;
mod woven;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use weft_path::Reason;
use weft_plan::{Observed, Plan};

pub use self::closeup::{Closeup, Focus, HomeSeen};
use self::world::World;
use crate::netns::DIRECTORY;
use crate::{Applied, Attachment, Disturbance, DropSample, Kernel, Netns, ObserveError, TableUse};

/// The kernel of this host, seen from one network namespace.
///
/// Its work blocks (for microseconds, mostly), so it is done on tokio's blocking threads, one call
/// at a time.
#[derive(Debug)]
pub struct Linux {
    world: Arc<Mutex<World>>,
    host: Netns,
    attachment: Attachment,
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
        let attachment = world.guard.attachment();
        let (world, directory) = (Arc::new(Mutex::new(world)), directory.to_owned());
        Ok(Self { world, host, attachment, directory })
    }

    /// The same, with the guard's programs attached in this way instead of the best that the kernel
    /// has. What is attached in another way stays until its interface is told of.
    #[must_use]
    pub fn attaching_by(self, attachment: Attachment) -> Self {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.guard.attach_by(attachment);
        drop(world);
        Self { attachment, ..self }
    }

    /// How the guard's programs are attached.
    #[must_use]
    pub const fn attachment(&self) -> Attachment {
        self.attachment
    }

    /// The same, with room for so many stations in the programs' tables, of all networks together.
    /// What the tables held before is moved without a packet lost.
    #[must_use]
    pub fn with_room(self, stations: u32) -> Self {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.guard.make_room(stations);
        drop(world);
        self
    }

    /// How full the programs' tables are. Empty where the kernel has no guard.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    pub async fn tables(&self) -> Result<Vec<TableUse>, ObserveError> {
        let usage = self.work(|world| world.guard.standing().map(|guard| guard.usage())).await;
        let what = "the guard's tables";
        usage
            .unwrap_or_else(|| Ok(Vec::new()))
            .map_err(|source| ObserveError::Netlink { what, source })
    }

    /// What the guard has dropped since this host's kernel started, by reason, and what the packet
    /// filter's rules have dropped before the guard or instead of it, since this was opened. Agents
    /// come and go meanwhile.
    ///
    /// # Errors
    ///
    /// If the counters cannot be read.
    pub async fn drops(&self) -> Result<BTreeMap<Reason, u64>, ObserveError> {
        let read = |world: &mut World| {
            (world.guard.standing().map(|guard| guard.drops()), world.refused())
        };
        let (drops, refused) = self.work(read).await;
        let what = "the guard's counters";
        let mut drops = drops
            .unwrap_or_else(|| Ok(BTreeMap::new()))
            .map_err(|source| ObserveError::Netlink { what, source })?;
        // Who has no `nft` has no rules either, and is told so by whoever reconciles.
        let refused = refused.unwrap_or_default();
        if refused > 0 {
            *drops.entry(Reason::UnknownPeer).or_default() += refused;
        }
        Ok(drops)
    }

    /// Packets that the guard drops, as they are dropped. One listener hears each of them: of two,
    /// either does.
    #[must_use]
    pub fn drop_samples(&self) -> BoxStream<'static, DropSample> {
        let world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.guard.samples()
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
