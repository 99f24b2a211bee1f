//! Which endpoint sits on which node.
//!
//! Each node is the only writer of its own rows; for every network it takes part in they form a
//! stream with a history. A change is pushed at once: to all participants of a small network, to
//! some of a large one, who pass it on. Once a second every network is compared with one
//! participant, so that what got lost is found. Any participant can serve any owner's stream, and none
//! needs to be believed: all that an owner has comes under its signature.
//!
//! Losing a node hides its rows and never deletes them: only the owner's word does, or a newer
//! epoch of it, or its removal from the registry, or this node's leaving the network.
//!
//! A machine without clock or socket: see [`Whereabouts`].

// What tests share says the crate's name.
#[cfg(test)]
extern crate self as weft_whereabouts;

mod directory;
mod head;
mod look;
mod machine;
mod message;
mod notary;
mod outbox;
mod receive;
mod rejected;
mod spread;
mod statement;
mod stream;
mod table;
#[cfg(test)]
mod tests;
mod tick;
mod transmit;
mod word;

pub use directory::{Members, SMALL};
pub use head::Head;
pub use machine::{Event, LINGER, Located, Whereabouts};
pub use message::{Message, Presence, RowChange, StreamId, Transmit};
pub use notary::{Notary, Seal};
pub use rejected::Rejected;
pub use statement::statement;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an Instant cannot be made from nothing")]
fn test_clock() -> std::time::Instant {
    std::time::Instant::now()
}
