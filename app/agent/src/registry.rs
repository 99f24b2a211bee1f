//! What should exist: kept by managers, followed by everyone.

mod backing;
mod commander;
mod current;
mod follow;
mod followed;
mod manager;
mod watch;

pub(crate) use backing::{Backing, EtcdBacking};
pub(crate) use commander::Commander;
pub(crate) use follow::Follower;
pub(crate) use followed::{Followed, managers};
pub(crate) use manager::{InUse, Manager, Refusal, Verdict};
pub(crate) use watch::stream;
