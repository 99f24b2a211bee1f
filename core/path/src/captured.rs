//! A frame that was seen passing, told as a part of a journey: at which hop, from whom, to whom.

use std::net::IpAddr;

use weft_model::{EndpointId, Hop, MacAddr, NetworkId, NodeId};
use weft_wire::Decoded;

use crate::{Facts, Located};

/// Where on a host a frame was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// At the workload's port.
    Port,
    /// At the network's VXLAN device.
    Tunnel,
    /// At an interface of the underlay.
    Underlay,
}

/// Whose frames are wanted, and of which host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The host that looks.
    pub host: NodeId,
    /// The endpoint, which is on it.
    pub endpoint: EndpointId,
    /// Its network.
    pub network: NetworkId,
}

/// A frame as a part of a journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The hop that it is at.
    pub hop: Hop,
    /// What happens to it there, with names.
    pub told: String,
}

/// Tells of a frame that left by a point (`outgoing`) or came in by it; nothing if the frame does not
/// concern the endpoint.
#[must_use]
pub fn sighting(
    facts: &Facts,
    subject: Subject,
    (point, outgoing): (Point, bool),
    frame: &Decoded,
) -> Option<Sighting> {
    let seen = Seen { facts, subject, frame };
    let inner = frame.innermost();
    let (from, to) = (inner.ethernet.source, inner.ethernet.destination);
    if point == Point::Underlay && frame.vxlan()?.2.vni != seen.vni()? {
        return None;
    }
    if point != Point::Port && !seen.concerns(from, to, outgoing) {
        return None;
    }
    let (hop, told) = match (point, outgoing) {
        (Point::Port, false) => {
            (Hop::Neighbor, format!("{} sends to {}", seen.station(from), seen.station(to)))
        }
        (Point::Port, true) => {
            (Hop::Deliver, format!("to {} from {}", seen.station(to), seen.station(from)))
        }
        (Point::Tunnel, true) => {
            (Hop::Encap, format!("for {} to {}", seen.network(), seen.home(to)))
        }
        (Point::Tunnel, false) => {
            (Hop::Decap, format!("of {} from {}", seen.network(), seen.home(from)))
        }
        (Point::Underlay, _) => (Hop::Underlay, seen.crossing()?),
    };
    Some(Sighting { hop, told })
}

struct Seen<'a> {
    facts: &'a Facts,
    subject: Subject,
    frame: &'a Decoded,
}

impl Seen<'_> {
    fn vni(&self) -> Option<u32> {
        self.facts.networks.get(&self.subject.network).map(|network| network.vni.number())
    }

    fn endpoint(&self) -> Option<&Located> {
        self.facts.endpoints.get(&self.subject.endpoint)
    }

    /// What the endpoint sends and gets; what goes to all it gets from others.
    fn concerns(&self, from: MacAddr, to: MacAddr, outgoing: bool) -> bool {
        let own = self.endpoint().map(|located| located.endpoint.mac);
        own == Some(from) || own == Some(to) || (!to.is_unicast() && !outgoing)
    }

    fn network(&self) -> String {
        let network = self.facts.networks.get(&self.subject.network);
        let name = network.and_then(|network| network.name.as_ref());
        name.map_or_else(|| self.subject.network.short(), ToString::to_string)
    }

    /// A workload by its name; else what it says of itself.
    fn station(&self, mac: MacAddr) -> String {
        if !mac.is_unicast() {
            return "all".to_owned();
        }
        let located = self.facts.with_mac(self.subject.network, mac);
        let name = located.and_then(|located| located.endpoint.name.as_ref());
        name.map_or_else(|| mac.to_string(), ToString::to_string)
    }

    /// A workload's host.
    fn home(&self, mac: MacAddr) -> String {
        match self.facts.with_mac(self.subject.network, mac) {
            Some(located) => format!("{} at {}", self.station(mac), self.node(located.owner)),
            None => self.station(mac),
        }
    }

    fn node(&self, id: NodeId) -> String {
        self.facts.nodes.get(&id).map_or_else(|| id.short(), |node| node.name.to_string())
    }

    fn crossing(&self) -> Option<String> {
        let (ip, _udp, vxlan, _inner) = self.frame.vxlan()?;
        let host = |address: IpAddr| {
            let node = self.facts.nodes.values().find(|node| node.vtep.0 == address);
            node.map_or_else(|| address.to_string(), |node| format!("{} ({address})", node.name))
        };
        Some(format!("{} > {}, VNI {}", host(ip.source()), host(ip.destination()), vxlan.vni))
    }
}
