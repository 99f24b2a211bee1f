//! Linux as Weft uses it: netlink, nftables, namespaces, capture.
//!
//! [`Kernel`] is the edge: observe, apply, watch. [`Linux`] is the real one, [`Fake`] behaves alike
//! without touching anything. Beside it stand the few things that the agent does to namespaces
//! which are not Weft's own: [`dns`], [`wire_workload`], [`capture`], and [`Process`]
//! for the ends of workloads.

pub mod capture;
mod causes;
mod counters;
pub mod dns;
mod error;
mod fake;
mod guard;
pub mod host;
mod inherit;
mod iptables;
mod kernel;
mod linux;
mod netlink;
mod netns;
mod nft;
mod process;
mod trial;
mod urgency;
mod workload;

pub use counters::{Counters, counters};
pub use error::{ApplyError, IptablesError, NftError, ObserveError, WireError};
pub use fake::Fake;
pub use guard::{Attachment, DropSample, GuardError, TableUse};
pub use inherit::unix_listener;
pub use kernel::{Applied, Disturbance, Failure, Kernel};
pub use linux::{Closeup, Focus, HomeSeen, Linux};
pub use netns::Netns;
pub use process::Process;
pub use trial::{TrialError, trial};
pub use urgency::hurry;
pub use workload::{WorkloadLink, wire_workload, wire_workload_from};
