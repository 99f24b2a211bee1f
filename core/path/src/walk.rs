//! The six hops, one after the other.

use std::net::IpAddr;

use weft_model::{EndpointId, Hop};

use crate::told::Told;
use crate::{
    Answerer, Arrival, Decided, Dropped, Facts, Journey, Located, Neighbor, Packet, Reason, Step,
    Way, decap, deliver, encap, lookup, neighbor, underlay,
};

/// A ping's: 20 bytes of IPv4, 8 of ICMP, 56 of payload.
const PING: u16 = 84;

/// Walks a small packet from an endpoint to `to`, a name or an address.
#[must_use]
pub fn walk(facts: &Facts, from: EndpointId, to: &str) -> Journey {
    walk_sized(facts, from, to, PING)
}

/// Walks a packet of `length` bytes, its IP header counted.
#[must_use]
pub fn walk_sized(facts: &Facts, from: EndpointId, to: &str, length: u16) -> Journey {
    let row = facts.endpoints.get(&from);
    let network = row.map(|row| row.network);
    let mut journey = Journey {
        from,
        to: to.to_owned(),
        network,
        steps: Vec::new(),
        dropped: None,
        packet: None,
    };
    let told = Told { facts, from: row, id: from, to };
    let walked = row
        .ok_or_else(|| told.dropped(Reason::NoSuchSender, to))
        .and_then(|from| Walk { facts, from, told, length, steps: &mut journey.steps }.all(to));
    match walked {
        Ok(packet) => journey.packet = Some(packet),
        Err(dropped) => journey.dropped = Some(dropped),
    }
    journey
}

struct Walk<'a> {
    facts: &'a Facts,
    from: &'a Located,
    told: Told<'a>,
    length: u16,
    steps: &'a mut Vec<Step>,
}

impl Walk<'_> {
    fn all(mut self, to: &str) -> Result<Packet, Dropped> {
        let found = lookup(self.facts, self.from, to).map_err(|why| self.told.dropped(why, to))?;
        let address = found.address;
        self.step(Hop::Lookup, self.told.lookup(&found), Decided::Address(found));

        let near = self.neighbor(address)?;
        self.step(Hop::Neighbor, self.told.neighbor(&near), Decided::Mac(near));

        let way = encap(self.facts, self.from, near.mac, self.length);
        let way = way.map_err(|why| self.told.dropped(why, address))?;
        match way {
            Way::StaysOnHost => self.stay(near),
            Way::Leaves(envelope) => self.cross(near, envelope),
        }?;
        Ok(self.packet(near, way))
    }

    /// An address of a family that the sender does not have is as unknown as any other.
    fn neighbor(&self, address: IpAddr) -> Result<Neighbor, Dropped> {
        let near = neighbor(self.facts, self.from, address);
        let near = near.and_then(|near| match self.source(address) {
            Some(_) => Ok(near),
            None => Err(Reason::UnknownAddress),
        });
        near.map_err(|why| self.told.dropped(why, address))
    }

    fn stay(&mut self, near: Neighbor) -> Result<(), Dropped> {
        for hop in [Hop::Encap, Hop::Underlay, Hop::Decap] {
            self.step(hop, self.told.stays(hop), Decided::StaysOnHost);
        }
        self.deliver(near, self.from)
    }

    fn cross(&mut self, near: Neighbor, envelope: crate::Envelope) -> Result<(), Dropped> {
        let (facts, from) = (self.facts, self.from);
        let home = facts.with_mac(from.network, near.mac);
        let home = home.ok_or_else(|| self.told.dropped(Reason::NoHome, near.mac))?;
        self.step(
            Hop::Encap,
            self.told.encap(near.mac, &envelope, home),
            Decided::Envelope(envelope),
        );

        let crossing = underlay(facts, &envelope, home);
        let crossing =
            crossing.map_err(|why| self.told.dropped(why, self.told.node(home.owner)))?;
        self.step(Hop::Underlay, self.told.underlay(&crossing), Decided::Crossing(crossing));

        let (vni, inner_source) = (envelope.vni, from.endpoint.mac);
        let arrival = Arrival { outer_source: envelope.source.0, vni, inner_source };
        let accepted = decap(facts, home.owner, &arrival);
        let accepted =
            accepted.map_err(|why| self.told.dropped(why, self.told.node(home.owner)))?;
        self.step(Hop::Decap, self.told.decap(&arrival, &accepted), Decided::Accepted(accepted));
        self.deliver(near, home)
    }

    fn deliver(&mut self, near: Neighbor, on: &Located) -> Result<(), Dropped> {
        let delivered = deliver(self.facts, on.owner, on.network, near.mac);
        let delivered = delivered.map_err(|why| self.told.dropped(why, near.mac))?;
        let itself = near.answered_by == Answerer::Nobody;
        let told = self.told.deliver(&delivered, itself);
        self.step(Hop::Deliver, told, Decided::Delivered(delivered));
        Ok(())
    }

    fn packet(&self, near: Neighbor, way: Way) -> Packet {
        Packet {
            envelope: match way {
                Way::StaysOnHost => None,
                Way::Leaves(envelope) => Some(envelope),
            },
            source_mac: self.from.endpoint.mac,
            destination_mac: near.mac,
            source: self.source(near.address).unwrap_or(near.address),
            destination: near.address,
        }
    }

    fn source(&self, to: IpAddr) -> Option<IpAddr> {
        let mut own = self.from.endpoint.addresses.iter();
        own.find(|own| own.is_ipv4() == to.is_ipv4()).copied()
    }

    fn step(&mut self, hop: Hop, told: String, decided: Decided) {
        self.steps.push(Step { hop, told, decided });
    }
}
