//! What a membership stands in, and what outlives it.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use weft_docker::{Beyond, ClusterNetworks};
use weft_kernel::Linux;
use weft_names::Zones;
use weft_resolver::Resolver;

use crate::datapath::Chosen;
use crate::disk::Disk;
use crate::drops::DropsHandle;
use crate::events::EventsHandle;
use crate::metrics::Counters;
use crate::options::Options;

/// What outlives memberships.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// What the daemon was told.
    pub(crate) options: Options,
    /// Who carries frames.
    pub(crate) datapath: Chosen,
    /// The state directory.
    pub(crate) disk: Disk,
    /// The kernel.
    pub(crate) kernel: Arc<Linux>,
    /// What Docker's mirror reads.
    pub(crate) cluster_networks: watch::Sender<ClusterNetworks>,
    /// What the resolver reads.
    pub(crate) zones: watch::Sender<Arc<Zones>>,
    /// Whom Docker's resolver asks for containers.
    pub(crate) beyond: watch::Receiver<Beyond>,
    /// Answers containers.
    pub(crate) resolver: Resolver,
    /// Hears of containers that ask too much.
    pub(crate) complaints: mpsc::Sender<Arc<Path>>,
    /// Knows what is dropped.
    pub(crate) drops: DropsHandle,
    /// Hears of everything that changes.
    pub(crate) events: EventsHandle,
    /// The daemon's numbers.
    pub(crate) counters: Counters,
}
