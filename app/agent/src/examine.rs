//! `weft doctor`: every host examines itself and the ways to the others, all at the same time.
//!
//! What is looked at is here and in `io/kernel`; what is to be said of it is decided in
//! `core/doctor`.

mod canary;
mod cluster;
mod engine;
mod host;
mod itself;
mod ways;

pub(crate) use cluster::examine;
pub(crate) use host::{Examination, examined};
