//! What should exist: kept by managers, followed by everyone.

mod commander;
mod follow;
mod manager;
mod watch;

pub(crate) use commander::Commander;
pub(crate) use follow::{Followed, follow};
pub(crate) use manager::{Keeper, Manager};
pub(crate) use watch::stream;
