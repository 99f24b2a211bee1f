//! Which nodes are up, as seen from this one.
//!
//! The registry says who can be a member. SWIM finds out who is alive, with few messages however
//! many there are: everybody probes one member at a time, asks others to probe whom it does not
//! reach, gossips suspicions and gives the suspected time to object. What gossip missed, rosters
//! that are exchanged over streams make up for. In a small cluster every two nodes are connected,
//! too, and a connection that is alive is worth more than what others say, one that was lost is
//! known earlier.
//!
//! Being down **hides** a node's rows elsewhere, it never deletes them. What a node is, and what its
//! rows are, is not decided here.
//!
//! A machine without clock, socket or randomness of its own: see [`Membership`].

mod claimant;
mod codec;
mod event;
mod exchange;
mod membership;
mod roll;
mod roster;
mod seek;
mod settings;
mod standing;
mod swim;
#[cfg(test)]
mod tests;
mod transmit;
mod trouble;
mod who;

pub use claimant::Claimant;
pub use codec::Malformed;
pub use event::Event;
pub use membership::Membership;
pub use roll::Roll;
pub use seek::sought;
pub use settings::Settings;
pub use standing::Standing;
pub use transmit::{Carrier, Transmit};

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an Instant cannot be made from nothing")]
fn test_clock() -> std::time::Instant {
    std::time::Instant::now()
}
