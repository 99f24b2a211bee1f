//! What hosts have read out of their kernels.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use weft_model::{Hop, MacAddr, Vtep};
use weft_path::{Accepted, Delivered, Reason};
use weft_plan::NeighborSeen;

use crate::Parts;

/// The sender's host: lookup, neighbor, encap, and the beginning of underlay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbound {
    /// What the resolver said inside the workload; absent if an address was given.
    pub lookup: Option<Asked>,
    /// The workload's own interface; absent if it has none.
    pub interface: Option<Interface>,
    /// The network.
    pub parts: Parts,
    /// The host's own entry for the destination.
    pub neighbor: Option<NeighborSeen>,
    /// All hosts that the station is sent to; none: there is no entry.
    pub homes: BTreeSet<IpAddr>,
    /// How the host sends to the other one; absent if it stays here, an error if there is no way.
    pub route: Option<Result<Route, String>>,
    /// Rules of others that are in the way.
    pub obstacles: Vec<Obstacle>,
    /// How the host keeps its kernel.
    pub standing: Standing,
}

/// The receiver's host: decap and deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// What this host decides about the datagram; absent if it never left the host.
    pub accepted: Option<Result<Accepted, Reason>>,
    /// What it decides about the frame.
    pub delivered: Result<Delivered, Reason>,
    /// Whether the guard knows the sending host as a member; absent where there is no guard.
    pub peer: Option<bool>,
    /// The only host that may send as the sender's station, as the guard has it.
    pub owner: Option<Vtep>,
    /// Whether the packet filter's set of members has the sending host; absent: no such table.
    pub listed: Option<bool>,
    /// The network.
    pub parts: Parts,
    /// Where the programs have the receiver's station; absent: nowhere. With a bridge the port
    /// itself has it.
    pub home: Option<Housed>,
    /// The workload's own interface; absent if it has none.
    pub interface: Option<Interface>,
    /// Whether somebody listens at the port that was asked about.
    pub listening: Option<Listening>,
    /// Rules of others that are in the way.
    pub obstacles: Vec<Obstacle>,
    /// How the host keeps its kernel.
    pub standing: Standing,
}

/// The way between the hosts: what was sent to the other's VXLAN port, and what came there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossing {
    /// Sizes of IP packets that the sending kernel took.
    pub sent: BTreeSet<u16>,
    /// Sizes of those that the other host has seen at its interface.
    pub heard: BTreeSet<u16>,
    /// The largest packet of the network, in VXLAN.
    pub needed: u16,
    /// Whether the other host answers pings; asked only if its agent does not answer.
    pub pings: Option<bool>,
}

/// What a workload was told when it asked for a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asked {
    /// These addresses; none: there is no such name.
    Answered {
        /// As they came.
        addresses: BTreeSet<IpAddr>,
        /// After so many microseconds.
        micros: u64,
        /// The way of its questions to Weft's resolver.
        redirect: Redirect,
    },
    /// Nothing; why.
    Silent {
        /// In words.
        why: String,
        /// The way of its questions to Weft's resolver.
        redirect: Redirect,
    },
}

/// How a workload's questions come to Weft's resolver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Redirect {
    /// Directly: it listens where the workload asks.
    Direct,
    /// By the table `ip weft_dns`, which stands.
    Stands,
    /// By that table, but nobody has renewed it: questions go to Docker's resolver.
    Expired,
    /// There is no such table.
    Missing,
}

/// A workload's own end of its port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Its name inside the workload.
    pub name: String,
    /// Whether it is up.
    pub up: bool,
    /// The largest packet that it sends.
    pub mtu: u32,
    /// Its addresses.
    pub addresses: BTreeSet<IpAddr>,
    /// The interface that the workload's route to the other end leads by, if there is a route.
    pub leads_by: Option<String>,
    /// What somebody has fixed in the workload's own neighbour table for the other end.
    pub fixed: Option<MacAddr>,
}

/// The host's way to another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// By which interface.
    pub device: String,
    /// From which address.
    pub source: IpAddr,
    /// The largest packet that it promises to carry.
    pub mtu: u16,
}

/// Whether somebody listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Listening {
    /// At this address or at all.
    Yes,
    /// Elsewhere: on the workload's loopback, for instance.
    Elsewhere(IpAddr),
    /// Nobody.
    No,
}

/// A rule of somebody else's that drops the packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    /// Where it is in the way.
    pub hop: Hop,
    /// The rule, in words.
    pub what: String,
    /// What to type.
    pub remedy: String,
}

/// Where the programs have a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Housed {
    /// Behind its own port.
    Rightly,
    /// Behind another interface of this host.
    Behind(String),
    /// On the host with this tunnel end point.
    At(IpAddr),
}

/// How a host keeps its kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether somebody has told it to leave the kernel alone.
    pub paused: bool,
    /// What it could not mend at last, in words.
    pub failures: Vec<String>,
}

/// A host that says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// What came instead of an answer.
    pub why: String,
    /// What to try.
    pub hint: String,
}
