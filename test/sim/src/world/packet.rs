//! What hosts send each other. Streams send again what got lost, until their connection would be
//! given up; what they carry may arrive doubled and out of order, which is worse than it is.

use std::time::Duration;

use weft_model::NodeId;
use weft_whereabouts::StreamId;

use super::{Event, World};
use crate::link::{IDLE, RETRANSMIT, pair};
use crate::load::Load;
use crate::node::Node;

/// Something on its way.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    from: usize,
    to: usize,
    /// Who has sent it, and to whom: in the place of a host there may be another by now.
    ids: (NodeId, NodeId),
    /// In a small cluster: the connection that carries it.
    link: Option<u64>,
    /// How long it has been tried.
    tried: Duration,
    load: Load,
}

impl World {
    /// In a small cluster what finds no connection is lost, as in `io/transport`; in a large one
    /// hosts connect when they have something to say.
    pub(super) fn send(&mut self, from: usize, peer: NodeId, load: Load) {
        let Some(&to) = self.places.get(&peer) else { return };
        let link = self.link(from, to);
        if self.is_mesh() {
            let believed = self.nodes.get(from).and_then(|node| node.agent.as_ref());
            let believed = believed.and_then(|agent| agent.connected.get(&to).copied());
            if link.is_none() || believed != link {
                return;
            }
        }
        let Some(sender) = self.nodes.get(from).map(|node| node.id) else { return };
        self.watch.sent(load.size());
        let ids = (sender, peer);
        self.transmit(Box::new(Packet { from, to, ids, link, tried: Duration::ZERO, load }));
    }

    /// The connection that a packet takes; in a large cluster there is none to speak of.
    fn link(&self, from: usize, to: usize) -> Option<u64> {
        let kept = self.links.get(&pair(from, to)).filter(|_| self.is_mesh());
        kept.map(|link| link.number)
    }

    pub(super) fn transmit(&mut self, packet: Box<Packet>) {
        if self.link(packet.from, packet.to) != packet.link {
            return;
        }
        match self.underlay.carry(packet.from, packet.to, &mut self.dice) {
            Some(latency) => {
                if self.underlay.doubles(&mut self.dice) {
                    self.put(latency * 3, Event::Arrive(packet.clone()));
                }
                self.put(latency, Event::Arrive(packet));
            }
            None => self.again(packet),
        }
    }

    /// Each pause is as long as all before it (RFC 9002 §6.2).
    fn again(&mut self, mut packet: Box<Packet>) {
        let pause = RETRANSMIT.max(packet.tried);
        packet.tried += pause;
        if packet.load.is_lasting() && packet.tried < IDLE {
            self.put(pause, Event::Again { packet });
        }
    }

    pub(super) fn arrive(&mut self, packet: Box<Packet>) {
        let to = packet.to;
        if !self.nodes.get(to).is_some_and(Node::runs) {
            // Nobody acknowledges it.
            return self.again(packet);
        }
        if self.link(packet.from, to) == packet.link {
            self.hand_over(*packet);
            self.pump(to);
        }
    }

    fn hand_over(&mut self, packet: Packet) {
        let Packet { from, to, ids: (sender, recipient), load, .. } = packet;
        let now = self.now;
        self.watch.trace(now, (from, to), load.size());
        let Some(node) = self.nodes.get_mut(to).filter(|node| node.id == recipient) else { return };
        let instant = node.now(now);
        let Some(agent) = &mut node.agent else { return };
        let rows = if self.watch.timing { load.rows() } else { Vec::new() };
        let rows = self.watch.timed_of(to, rows);
        match load {
            Load::Rows(messages) => {
                for message in messages {
                    if let Err(rejected) = agent.whereabouts.handle(instant, sender, message) {
                        self.watch.rejected(&rejected);
                    }
                }
                for (StreamId { network, owner }, id) in rows {
                    if agent.whereabouts.has(network, owner, id) {
                        self.watch.learnt(now, to, id);
                    }
                }
            }
            Load::Roster(bytes) | Load::Swim(bytes) => {
                if let Err(malformed) = agent.membership.handle(instant, sender, &bytes) {
                    self.watch.malformed(&malformed);
                }
            }
        }
    }
}
