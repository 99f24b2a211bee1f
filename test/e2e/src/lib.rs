//! What every end-to-end test needs: a cluster in a lab, and patience with a deadline.

mod cluster;
mod container;
mod patience;
mod traffic;

pub use cluster::{Cluster, Kind};
pub use container::{Container, Ping};
pub use patience::{eventually, holds};
pub use traffic::{Answers, Pinging, Streaming};
