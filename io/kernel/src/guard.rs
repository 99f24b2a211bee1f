//! The guard: programs in the kernel that drop what nobody may send.
//!
//! They stand at the ingress of interfaces, before and independent of the packet filter: whoever
//! flushes that opens nothing. Programs, tables, counters and links are pinned in
//! `/sys/fs/bpf/weft`, so all goes on when the agent is killed; where there are no links, the
//! interfaces keep their programs themselves. The sources are in `bpf/`.

mod attachment;
mod clsact;
mod error;
mod keeper;
mod layout;
mod link;
mod needs;
mod programs;
mod reasons;
mod rows;
mod sample;
mod samples;
mod sets;
mod site;
mod stations;
mod sys;
mod table;
mod table_use;
mod tables;
mod tcx;
#[cfg(test)]
mod tests;

pub(crate) use keeper::{FIRST_PORT, Keeper, Loaded, Snapshot};
pub(crate) use layout::Entry;
pub(crate) use programs::Duty;
pub(crate) use rows::{Carrier, Home, Neighbor, Rows};
pub(crate) use site::Site;
pub(crate) use stations::{Answers, Stations};

pub use attachment::Attachment;
pub use error::GuardError;
pub use sample::DropSample;
pub use table_use::TableUse;
