//! `weft trace`: six hops, decided and held.
//!
//! The sender's host conducts: it walks the packet over what it knows, reads its own kernel, sends
//! probes to the receiver's host and asks that one for the rest. Whoever is asked for a trace finds
//! the sender's host; only if that does not answer, it conducts by what it knows itself.

mod conduct;
mod crossing;
mod inbound;
mod live;
mod outbound;
mod question;
mod rules;
mod workload;

pub(crate) use conduct::{conduct, knows, trace};
pub(crate) use crossing::{Probes, hear, outer};
pub(crate) use inbound::read as arrival;
pub(crate) use live::{Watching, watch};
pub(crate) use question::{Arriving, Question};
