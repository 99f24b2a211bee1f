//! The sentences of a journey, with the names that people know.

use std::fmt::Display;

use weft_model::{EndpointId, Hop, MacAddr, NodeId};

use crate::{
    Accepted, Answerer, Arrival, Crossing, Delivered, Dropped, Envelope, Facts, Located, Lookup,
    Neighbor, Reason,
};

/// Who tells: everything is seen from the sender.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) from: Option<&'a Located>,
    pub(crate) id: EndpointId,
    pub(crate) to: &'a str,
}

impl Told<'_> {
    pub(crate) fn lookup(&self, found: &Lookup) -> String {
        let Lookup { found, address } = found;
        let (from, to, network) = (self.sender(), self.to, self.network());
        match found.len().saturating_sub(1) {
            0 if to == address.to_string() => format!("{from} knows the address, {address}"),
            0 => format!("{from} asks for {to}: on network {network} it is {address}"),
            more => {
                format!(
                    "{from} asks for {to}: on network {network} it is {address}, or {more} more"
                )
            }
        }
    }

    pub(crate) fn neighbor(&self, near: &Neighbor) -> String {
        let Neighbor { address, mac, answered_by } = near;
        match answered_by {
            Answerer::Nobody => format!("{address} is {}'s own address", self.sender()),
            Answerer::Endpoint => format!("{address} is at {mac}: it answers by itself"),
            Answerer::Host => {
                let host = self.host();
                format!("{address} is at {mac}: {host} answers at once from its own table")
            }
        }
    }

    pub(crate) fn stays(&self, hop: Hop) -> String {
        match hop {
            Hop::Encap => format!("stays on {}: no VXLAN header is needed", self.host()),
            _ => "stays on the host".to_owned(),
        }
    }

    pub(crate) fn encap(&self, mac: MacAddr, envelope: &Envelope, home: &Located) -> String {
        let Envelope { vni, source, destination, port } = envelope;
        let home = self.node(home.owner);
        format!(
            "{mac} lives on {home}: into VXLAN {vni} from {source} to {destination}, port {port}"
        )
    }

    pub(crate) fn underlay(&self, crossing: &Crossing) -> String {
        let Crossing { source, destination, inner_mtu } = crossing;
        let host = self.host();
        format!(
            "{host} routes {source} to {destination}: packets up to {inner_mtu} bytes fit inside"
        )
    }

    pub(crate) fn decap(&self, arrival: &Arrival, accepted: &Accepted) -> String {
        let (by, from) = (self.node(accepted.by), self.node(accepted.from));
        let Arrival { outer_source, vni, inner_source } = arrival;
        format!("{by} takes VXLAN {vni} and knows {outer_source} as {from}, home of {inner_source}")
    }

    pub(crate) fn deliver(&self, delivered: &Delivered, itself: bool) -> String {
        let host = self.node(delivered.node);
        match itself {
            true => format!("{} has it without leaving its own interface", self.sender()),
            false => format!("{} on {host} has it", self.endpoint(delivered.endpoint)),
        }
    }

    /// `what` is the name, address or host that the hop was at.
    pub(crate) fn dropped(&self, reason: Reason, what: impl Display) -> Dropped {
        let (network, host) = (self.network(), self.host());
        let told = match reason {
            Reason::NoSuchSender => format!("no endpoint {} is known", self.id),
            Reason::NoSuchName => format!("nothing on network {network} is called {what}"),
            Reason::NoHealthyBackend => {
                format!("every host on network {network} that has {what} is down")
            }
            Reason::UnknownAddress => {
                format!("nothing that {} can reach on network {network} has {what}", self.sender())
            }
            Reason::NoHome => format!("{host} knows no host to send {what} to"),
            Reason::TooBig => format!(
                "the packet for {what} is over the {} bytes that fit inside VXLAN",
                self.facts.inner_mtu
            ),
            Reason::HostUnreachable => format!("{what} is down or cut off from {host}"),
            Reason::UnknownPeer => format!("{what} does not know {host} as a member"),
            Reason::UnknownVni => format!("{what} has nothing on network {network}"),
            Reason::NotOwner => {
                format!("{what} does not know {} as the home of {}", host, self.sender())
            }
            Reason::TooManyQueries => format!("{what} asks for too many names"),
            Reason::SpoofedMac => format!("{what} sends under a MAC address that is not its own"),
            Reason::SpoofedAddress => format!("{what} sends under an address that is not its own"),
            Reason::SpoofedArp | Reason::SpoofedNd => {
                format!("{what} claims an address that is not its own")
            }
            Reason::RouterAdvertisement => format!("{what} calls itself a router"),
            Reason::DhcpServer => format!("{what} answers as a DHCP server"),
            Reason::Ipv6Off => format!("{what} speaks IPv6, which network {network} has not"),
            Reason::NotUnderlay => format!("VXLAN came to {what} from a workload's side"),
            Reason::Fragment => format!("VXLAN came to {what} in fragments"),
            Reason::BadHeader => {
                format!("VXLAN came to {what} with a header that is not RFC 7348's")
            }
            Reason::ControlPort => format!("{what} speaks to its host's agent"),
            Reason::Policy => format!("{what} may not be reached by {}", self.sender()),
            Reason::NoPort => format!("no interface on network {network} has {what}"),
        };
        Dropped { hop: reason.hop(), reason, told, hint: reason.hint().to_owned() }
    }

    /// What people call a host.
    pub(crate) fn node(&self, id: NodeId) -> String {
        self.facts.nodes.get(&id).map_or_else(|| id.short(), |node| node.name.to_string())
    }

    fn host(&self) -> String {
        self.from.map_or_else(|| "the host".to_owned(), |from| self.node(from.owner))
    }

    fn sender(&self) -> String {
        self.endpoint(self.id)
    }

    fn endpoint(&self, id: EndpointId) -> String {
        let name = self.facts.endpoints.get(&id).and_then(|row| row.endpoint.name.as_ref());
        name.map_or_else(|| id.short(), ToString::to_string)
    }

    fn network(&self) -> String {
        let id = self.from.map(|from| from.network);
        let name = id.and_then(|id| self.facts.networks.get(&id)?.name.as_ref());
        match (name, id) {
            (Some(name), _) => name.to_string(),
            (None, Some(id)) => id.short(),
            (None, None) => "unknown".to_owned(),
        }
    }
}
