//! The daemon: everything brought together on one host.
//!
//! This is the composition root. It reads flags and files, opens stores and sockets, starts one
//! task for each machine and wires them with channels. What is decided, is decided in `core/`.

mod admin;
mod admission;
mod adopt;
mod agent;
mod asker;
mod attach;
mod backup;
mod ca;
mod captures;
mod certificate;
mod clock;
mod datapath;
mod disk;
mod docker;
mod drops;
mod etcd;
mod events;
mod examine;
mod fabric;
mod hint;
mod inspect;
mod journal;
mod lately;
mod local;
mod member;
mod mesh;
mod metrics;
mod names;
mod office;
mod offline;
mod options;
mod outlook;
mod pause;
mod plain;
mod problem;
mod reconcile;
mod registry;
mod run;
mod state;
mod strangers;
mod told;
mod top;
mod trace;

pub use admin::openapi;
pub use attach::Attach;
pub use datapath::Datapath;
pub use hint::hint;
pub use offline::{Recover, Recovered, Restore, Restored, recover, restore};
pub use options::{Flags, Options};
pub use run::run;
