//! What a node believed, and when: changes go in, the picture of any moment comes out.
//!
//! A [`Belief`] is what a node takes for true. [`changes`] tells two of them apart, [`Belief::apply`]
//! is its inverse, and a [`Log`] keeps the newest changes with the belief that they began from: so
//! any moment that is kept can be replayed, and of an earlier one it is said that it is not.

mod belief;
mod change;
mod diff;
mod event;
mod log;
mod moment;
mod told;

pub use belief::{Belief, Row};
pub use change::Change;
pub use diff::changes;
pub use event::Event;
pub use log::{Chapter, Log, Noted, Recalled, Unknown};
pub use moment::Moment;
pub use told::{Told, told};
