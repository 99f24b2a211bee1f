//! The daemon: everything brought together on one host.
//!
//! This is the composition root. It reads flags and files, opens stores and sockets, starts one
//! task for each machine and wires them with channels. What is decided, is decided in `core/`.

mod admin;
mod admission;
mod adopt;
mod agent;
mod disk;
mod docker;
mod fabric;
mod hint;
mod local;
mod member;
mod mesh;
mod metrics;
mod names;
mod options;
mod plain;
mod problem;
mod reconcile;
mod registry;
mod run;
mod state;

pub use admin::openapi;
pub use hint::hint;
pub use options::{Flags, Options};
pub use run::run;
