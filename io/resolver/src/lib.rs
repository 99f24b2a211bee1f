//! The name server that containers ask: sockets around [`weft_names::answer`].
//!
//! It listens on sockets that somebody else opened inside a container's network namespace, so
//! that a question's origin is known by the socket it came in on and cannot be forged. What is
//! ours is answered at once, in the loop that reads the socket; what is not goes to an
//! [`Upstream`], or past it to the servers beyond. What a name means is decided in `core/names`, never here.
//!
//! **Invariant:** work for one container is bounded ([`MAX_IN_FLIGHT`], [`MAX_CONNECTIONS`], and
//! [`SHARE`] while others ask), and no bytes that it sends make this crate panic, loop or wait
//! without a deadline.

mod client;
mod desk;
mod flight;
mod forward;
mod lanes;
mod lines;
mod message;
mod metrics;
mod nameservers;
mod overflow;
mod resolver;
mod share;
mod stock;
mod tcp;
mod udp;
mod upstream;
mod vigil;

pub use client::ask;
pub use flight::{DEADLINE, MAX_IN_FLIGHT};
pub use message::TTL;
pub use metrics::{Complaints, Outcome, Queries, QueryLabels};
pub use nameservers::Nameservers;
pub use resolver::{Resolver, Sockets};
pub use share::SHARE;
pub use tcp::{IDLE, MAX_CONNECTIONS};
pub use upstream::{Factories, Upstream, marked_tcp, marked_udp, plain_udp};
