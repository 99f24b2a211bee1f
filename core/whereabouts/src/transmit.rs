//! What this node says, made of the newest state at the moment it can be sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use rand::RngExt as _;
use weft_model::{NetworkId, NodeId};

use crate::outbox::{Detail, Say};
use crate::{Head, Message, Presence, StreamId, Transmit, Whereabouts, statement};

/// A newcomer is named so many participants at most: they know the others.
const NAMED: usize = 32;

impl Whereabouts {
    /// The next message to send; never waits for anything. All for one node come in a row.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        loop {
            let mut first = self.outboxes.first_entry()?;
            let to = *first.key();
            match first.get_mut().pop() {
                None => drop(first.remove()),
                Some((say, detail)) => {
                    if let Some(message) = self.compose(to, say, detail) {
                        return Some(Transmit { to, message });
                    }
                }
            }
        }
    }

    fn compose(&mut self, to: NodeId, say: Say, detail: Detail) -> Option<Message> {
        let table = |network: NetworkId| self.tables.get(&network);
        match (say, detail) {
            (Say::Participation, _) => {
                let head = Head { epoch: self.epoch, version: self.participation };
                Some(Message::Participation { head, networks: self.networks() })
            }
            (Say::DirectoryRequest(network), _) => Some(Message::DirectoryRequest { network }),
            (Say::Directory(network), _) => {
                Some(Message::Directory { network, nodes: self.some_of(network, to) })
            }
            (Say::Absent(network), _) => self.absence(network),
            (Say::News(stream), Detail::After { version, fresh }) => {
                self.news(stream, version, fresh)
            }
            (Say::Request(stream), Detail::Whole) => {
                Some(Message::Request { stream, have: Head::default() })
            }
            (Say::Request(stream), _) => {
                let have = table(stream.network)?.head(stream.owner);
                Some(Message::Request { stream, have })
            }
            (Say::Heads(network), Detail::In(buckets)) => {
                let heads = table(network)?.heads(buckets);
                Some(Message::Heads { network, buckets, heads })
            }
            (Say::Buckets(network), _) => {
                Some(Message::Buckets { network, sums: table(network)?.sums().to_vec() })
            }
            (Say::Digest(network), _) => {
                Some(Message::Digest { network, sum: table(network)?.sums().total() })
            }
            (Say::News(_) | Say::Heads(_), _) => None,
        }
    }

    /// What is new in a stream after version `after`, under its owner's seal.
    fn news(&mut self, stream: StreamId, after: u64, fresh: bool) -> Option<Message> {
        if stream.owner == self.me {
            self.sign(stream);
        }
        let known = self.tables.get(&stream.network)?.stream(stream.owner)?;
        let (Head { epoch, version: to }, presence) = (known.head(), known.presence());
        let seal = known.seal().filter(|_| known.is_heard())?;
        match known.since(after).filter(|_| after < to) {
            Some(changes) => {
                let from = after;
                Some(Message::Delta { stream, epoch, from, to, presence, changes, seal, fresh })
            }
            None => {
                let rows = known.rows().iter().map(Arc::clone).collect();
                Some(Message::Snapshot { stream, head: known.head(), presence, rows, seal, fresh })
            }
        }
    }

    /// Once for all that changed since it was told last.
    fn sign(&mut self, stream: StreamId) {
        let Some(table) = self.tables.get_mut(&stream.network) else { return };
        let unsigned = table.stream(self.me).filter(|own| own.seal().is_none());
        let seal = unsigned.and_then(|own| self.notary.seal(&own.statement(stream)));
        if let Some(seal) = seal {
            table.set_seal(self.me, seal);
        }
    }

    /// Unless it has joined in between.
    fn absence(&self, network: NetworkId) -> Option<Message> {
        if self.tables.contains_key(&network) {
            return None;
        }
        let stream = StreamId { network, owner: self.me };
        let head = Head { epoch: self.epoch, version: self.clock };
        let (presence, rows, fresh) = (Presence::Left, Vec::new(), true);
        let seal = self.notary.seal(&statement(stream, head, presence, &rows))?;
        Some(Message::Snapshot { stream, head, presence, rows, seal, fresh })
    }

    /// Participants that `to` may not know.
    fn some_of(&mut self, network: NetworkId, to: NodeId) -> BTreeSet<NodeId> {
        let attending = self.directory.attendance.iter();
        let attending = attending.filter(|(_, of)| of.networks.contains(&network));
        let mut all: Vec<NodeId> = attending.map(|(node, _)| *node).collect();
        if let Some(table) = self.tables.get(&network) {
            all.extend(table.participants(self.me).chain([self.me]));
        }
        all.retain(|node| *node != to && !self.hidden.contains(node));
        for at in 0..all.len().min(NAMED) {
            let other = self.dice.random_range(at..all.len());
            all.swap(at, other);
        }
        all.truncate(NAMED);
        all.into_iter().collect()
    }
}
