//! What every end-to-end test needs: a cluster in a lab, and patience with a deadline.

mod agreement;
mod asker;
mod cluster;
mod container;
mod dns;
mod patience;
mod plain;
mod segment;
mod traffic;

pub use asker::Asker;
pub use cluster::{Cluster, Kind};
pub use container::{Container, Ping};
pub use dns::{Over, Said, ask};
pub use patience::{eventually, holds};
pub use plain::Plain;
pub use segment::{frames_until, segment, underlay};
pub use traffic::{Answers, Pinging, Streaming};
