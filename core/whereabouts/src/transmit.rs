//! What this node says, made of the newest state at the moment it can be sent.

use weft_model::{NetworkId, NodeId};

use crate::{Message, Transmit, Whereabouts};

impl Whereabouts {
    /// The next message to send; never waits for anything.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        while let Some(&to) = self.ready.first() {
            if let Some(message) = self.next_message(to) {
                return Some(Transmit { to, message });
            }
            self.ready.remove(&to);
        }
        None
    }

    /// Participation goes first: rows mean nothing to a node that does not know of it.
    fn next_message(&mut self, to: NodeId) -> Option<Message> {
        let link = self.links.get_mut(&to)?;
        if std::mem::take(&mut link.participation) {
            return Some(self.own_participation());
        }
        if std::mem::take(&mut link.ask_participation) {
            return Some(Message::ParticipationRequest);
        }
        if let Some(network) = link.requests.pop_first() {
            let owner = self.owners.get(&to)?;
            let have = owner.replicas.get(&network).map_or(0, crate::replica::Replica::have);
            return Some(Message::Request { network, epoch: owner.epoch, have });
        }
        while let Some(network) = self.links.get_mut(&to)?.dirty.pop_first() {
            if let Some(message) = self.news(to, network) {
                return Some(message);
            }
        }
        let digest = std::mem::take(&mut self.links.get_mut(&to)?.digest);
        digest.then(|| self.digest(to))
    }

    /// What `to` lacks of this node's rows on `network`.
    fn news(&mut self, to: NodeId, network: NetworkId) -> Option<Message> {
        if !self.takes_part(to, network) {
            return None;
        }
        let stream = self.streams.get(&network)?;
        let (epoch, version) = (self.epoch, stream.version());
        let sent = self.links.get_mut(&to)?.sent.insert(network, version);
        let changes = sent.and_then(|from| Some((from, stream.since(from)?)));
        match changes {
            Some((from, _)) if from == version => None,
            Some((from, changes)) => {
                Some(Message::Delta { network, epoch, from, to: version, changes })
            }
            None => {
                let rows = stream.rows().values().cloned().collect();
                Some(Message::Snapshot { network, epoch, version, rows })
            }
        }
    }

    fn digest(&self, to: NodeId) -> Message {
        let shared = self.streams.iter().filter(|(network, _)| self.takes_part(to, **network));
        let streams = shared.map(|(&network, stream)| (network, stream.version())).collect();
        Message::Digest { epoch: self.epoch, participation: self.participation, streams }
    }
}
