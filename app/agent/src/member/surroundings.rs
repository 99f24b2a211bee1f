//! What a membership stands in, and what outlives it.

use std::sync::Arc;

use tokio::sync::watch;
use weft_docker::ClusterNetworks;
use weft_kernel::Linux;
use weft_names::Zones;
use weft_resolver::Resolver;

use crate::disk::Disk;
use crate::metrics::Counters;
use crate::options::Options;

/// What outlives memberships.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// What the daemon was told.
    pub(crate) options: Options,
    /// The state directory.
    pub(crate) disk: Disk,
    /// The kernel.
    pub(crate) kernel: Arc<Linux>,
    /// What Docker's mirror reads.
    pub(crate) cluster_networks: watch::Sender<ClusterNetworks>,
    /// What the resolver reads.
    pub(crate) zones: watch::Sender<Arc<Zones>>,
    /// Answers containers.
    pub(crate) resolver: Resolver,
    /// The daemon's numbers.
    pub(crate) counters: Counters,
}
