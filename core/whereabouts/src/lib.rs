//! Which endpoint sits on which node.
//!
//! Each node is the only writer of its own rows; for every network it takes part in they form a
//! stream that it pushes to the other participants at once. A digest each second finds what got
//! lost. Losing a node hides its rows and never deletes them: only the owner's word does, or a
//! newer epoch of it, or its removal from the registry, or this node's leaving the network.
//!
//! A machine without clock or socket: see [`Whereabouts`].

mod link;
mod machine;
mod message;
mod owner;
mod receive;
mod rejected;
mod replica;
mod stream;
#[cfg(test)]
mod tests;
mod transmit;

pub use machine::{Event, Located, Whereabouts};
pub use message::{Message, RowChange, Transmit};
pub use rejected::Rejected;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an Instant cannot be made from nothing")]
fn test_clock() -> std::time::Instant {
    std::time::Instant::now()
}
