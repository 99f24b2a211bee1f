//! The edge between decisions and a kernel.

use std::fmt::Debug;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use weft_model::Vni;
use weft_plan::{Change, Observed, Plan};

use crate::{ApplyError, ObserveError};

/// A kernel that can be looked at, changed, and listened to.
pub trait Kernel: Send + Sync + Debug + 'static {
    /// Dumps everything of Weft's, right or wrong.
    fn observe(&self) -> BoxFuture<'_, Result<Observed, ObserveError>>;

    /// Does what the plan says, in its order, and goes on after a failure.
    fn apply<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Applied>;

    /// Tells when something of Weft's may have changed, by whomever.
    ///
    /// Disturbances are gathered for some milliseconds and told once; Weft's own changes are among
    /// them. The stream ends only when the kernel can no longer be listened to.
    fn watch(&self) -> BoxStream<'static, Disturbance>;
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Applied {
    /// The changes that were not made; empty means success.
    pub failures: Vec<Failure>,
}

/// A change that was not made.
#[derive(Debug)]
pub struct Failure {
    /// What was to be done.
    pub change: Change,
    /// Why it was not.
    pub error: ApplyError,
}

/// Where something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disturbance {
    /// A segment's interfaces or tables.
    Segment(Vni),
    /// A namespace came or went.
    Namespaces,
    /// Interfaces of Weft's in the host's namespace, or the host's addresses.
    Host,
    /// The nft table.
    Firewall,
    /// Unknown: the kernel had more to tell than there was room for.
    Lost,
}
