//! A packet's six hops, each with what was decided, what the kernel of the right host holds, and a
//! verdict.
//!
//! Decided is what [`weft_path::walk`] tells: there is no second copy of its rules here. Held is
//! what two hosts have read out of their kernels a moment ago: [`Outbound`] on the sender's,
//! [`Inbound`] on the receiver's, [`Crossing`] between them. [`trace`] holds the one against the
//! other, hop by hop; the first hop that fails is what is wrong.

mod judge;
mod live;
mod parts;
mod seen;
mod trace;

pub use judge::{Evidence, trace};
pub use live::{Live, Point, Sighting, Spot, Watched};
pub use parts::{Bridged, Held, Part, Parts, Woven};
pub use seen::{
    Asked, Crossing, Housed, Inbound, Interface, Listening, Obstacle, Outbound, Redirect, Route,
    Silence, Standing,
};
pub use trace::{HopTraced, Trace, Verdict};
