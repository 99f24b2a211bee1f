//! One packet's journey through the six hops, in travel order.
//!
//! `lookup` and `neighbor` and `encap` happen on the sender's host, `underlay` between the hosts,
//! `decap` and `deliver` on the receiver's. Each hop is one pure function over the same [`Facts`]
//! that program the kernel: [`neighbors`], [`fdb`] and [`peers`] are the very tables that hosts
//! hold, and [`walk`] reads those tables. So what `weft path` tells cannot differ from what was
//! programmed, and what a packet does can be held against what was told ([`Journey::matches`]).

mod captured;
mod dropped;
mod facts;
mod inbound;
mod journey;
mod matches;
mod outbound;
mod told;
mod underlay;
mod walk;

pub use captured::{Point, Sighting, Subject, sighting};
pub use dropped::{Dropped, Reason};
pub use facts::{Facts, Located};
pub use inbound::decap::{Accepted, Arrival, decap, peers};
pub use inbound::deliver::{Delivered, deliver};
pub use journey::{Decided, Journey, Packet, Step};
pub use matches::{Field, Mismatch};
pub use outbound::encap::{Envelope, Way, encap, fdb};
pub use outbound::lookup::{Lookup, lookup, zones};
pub use outbound::neighbor::{Answerer, Neighbor, neighbor, neighbors};
pub use underlay::{Crossing, underlay};
pub use walk::{walk, walk_sized};
