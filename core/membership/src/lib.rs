//! Which nodes are up, as seen from this one.
//!
//! It decides from connections alone: a connection is kept alive every half second, so a node that
//! has none for longer than the grace time is down. Being down **hides** a node's rows elsewhere,
//! it never deletes them. What a node is, and what its rows are, is not decided here.

mod membership;
mod standing;

pub use membership::{Event, Membership};
pub use standing::Standing;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an Instant cannot be made from nothing")]
fn test_clock() -> std::time::Instant {
    std::time::Instant::now()
}
