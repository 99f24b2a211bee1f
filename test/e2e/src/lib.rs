//! What every end-to-end test needs: a cluster in a lab, and patience with a deadline.

mod agreement;
mod asker;
mod cluster;
mod container;
mod dns;
mod drops;
mod etcd;
mod exposition;
mod letter;
mod patience;
mod plain;
mod promql;
mod segment;
mod tables;
mod traffic;
mod uml;
mod wire;
mod writes;

pub use asker::Asker;
pub use cluster::{Cluster, Kind};
pub use container::{Container, Ping};
pub use dns::{Over, Said, ask};
pub use etcd::Etcd;
pub use exposition::Exposition;
pub use letter::{Inbox, Station};
pub use patience::{eventually, holds};
pub use plain::Plain;
pub use promql::{Matcher, Query, Selector};
pub use segment::{frames_until, segment, underlay};
pub use tables::{Table, TwoNetworks};
pub use traffic::{Answers, Pinging, Streaming};
pub use uml::uml;
pub use wire::Wire;
pub use writes::{Writes, Written};
