//! What others say.

use std::collections::BTreeSet;
use std::time::Instant;

use weft_model::{EndpointId, NetworkId, NodeId};

use crate::machine::Event;
use crate::owner::Owner;
use crate::replica::{Effect, Replica};
use crate::{Message, Rejected, RowChange, Whereabouts};

impl Whereabouts {
    /// Takes a message of the node that the connection is authenticated for.
    ///
    /// What is merely late or about a network that this node does not take part in changes nothing
    /// and is no error.
    ///
    /// # Errors
    ///
    /// [`Rejected`] if the message is not to be believed; nothing changed then.
    pub fn handle(&mut self, now: Instant, from: NodeId, message: Message) -> Result<(), Rejected> {
        self.check(from, &message)?;
        match message {
            Message::Participation { epoch, version, networks } => {
                self.participation_of(from, (epoch, version), &networks);
            }
            Message::Snapshot { network, epoch, version, rows } => {
                self.rows_of(now, from, (network, epoch, version), |replica| {
                    replica.replace(version, rows)
                });
            }
            Message::Delta { network, epoch, from: base, to, changes } => {
                self.rows_of(now, from, (network, epoch, to), |replica| {
                    replica.apply(base, to, changes)
                });
            }
            Message::Request { network, epoch, have } => self.asked(from, network, epoch, have),
            Message::ParticipationRequest => self.with_link(from, |link| link.participation = true),
            Message::Digest { epoch, participation, streams } => {
                self.digest_of(now, from, (epoch, participation), &streams);
            }
        }
        Ok(())
    }

    fn check(&self, from: NodeId, message: &Message) -> Result<(), Rejected> {
        if from == self.me {
            return Err(Rejected::Myself { node: from });
        }
        if !self.links.contains_key(&from) {
            return Err(Rejected::NotConnected { from });
        }
        let known = self.owners.get(&from).map_or(0, |owner| owner.epoch);
        if let Some(epoch) = message.senders_epoch().filter(|&epoch| epoch < known) {
            return Err(Rejected::OldEpoch { from, epoch, known });
        }
        match message {
            Message::Snapshot { network, rows, .. } => {
                self.check_rows(from, *network, rows.iter().map(|row| row.id))
            }
            Message::Delta { network, changes, .. } => {
                self.check_rows(from, *network, changes.iter().map(RowChange::id))
            }
            Message::Participation { .. }
            | Message::Request { .. }
            | Message::ParticipationRequest
            | Message::Digest { .. } => Ok(()),
        }
    }

    /// An endpoint never moves, so a row that another node has is not the sender's.
    fn check_rows(
        &self,
        from: NodeId,
        network: NetworkId,
        rows: impl Iterator<Item = EndpointId>,
    ) -> Result<(), Rejected> {
        let Some(own) = self.streams.get(&network) else { return Ok(()) };
        let others: Vec<_> = self
            .owners
            .iter()
            .filter(|(node, _)| **node != from)
            .filter_map(|(&node, owner)| Some((node, owner.replicas.get(&network)?)))
            .collect();
        for endpoint in rows {
            let elsewhere =
                others.iter().find(|(_, replica)| replica.rows().contains_key(&endpoint));
            let mine = own.rows().contains_key(&endpoint).then_some(self.me);
            if let Some(owner) = mine.or_else(|| elsewhere.map(|(node, _)| *node)) {
                return Err(Rejected::NotYours { from, endpoint, owner });
            }
        }
        Ok(())
    }

    fn participation_of(
        &mut self,
        from: NodeId,
        (epoch, version): (u64, u64),
        networks: &BTreeSet<NetworkId>,
    ) {
        let owner = self.owners.entry(from).or_default();
        if !owner.is_behind(epoch, version) {
            return;
        }
        let restarted = epoch != owner.epoch;
        let (joined, left) = owner.participate(epoch, version, networks);
        for &network in &left {
            self.with_link(from, |link| link.drop_network(network));
            self.events.insert(Event::Changed(network));
        }
        let again = if restarted { networks.iter().copied().collect() } else { joined.clone() };
        for network in again.into_iter().filter(|network| self.streams.contains_key(network)) {
            if let Some(link) = self.links.get_mut(&from) {
                link.send_all(network);
                self.ready.insert(from);
            }
        }
        self.events.extend(joined.into_iter().chain(left).map(Event::ParticipantsChanged));
    }

    /// Takes rows into the replica of a network that both nodes take part in.
    fn rows_of(
        &mut self,
        now: Instant,
        from: NodeId,
        (network, epoch, version): (NetworkId, u64, u64),
        take: impl FnOnce(&mut Replica) -> Effect,
    ) {
        let owner = self.owners.entry(from).or_default();
        let behind = owner.is_behind(epoch, version);
        match owner.replicas.get_mut(&network) {
            Some(replica) if epoch == owner.epoch && self.streams.contains_key(&network) => {
                match take(replica) {
                    Effect::Changed => drop(self.events.insert(Event::Changed(network))),
                    Effect::Unchanged => {}
                    Effect::Gap => self.ask(now, from, network),
                }
            }
            None | Some(_) if behind && self.streams.contains_key(&network) => {
                self.with_link(from, |link| link.ask_participation = true);
            }
            None | Some(_) => {}
        }
    }

    fn asked(&mut self, from: NodeId, network: NetworkId, epoch: u64, have: u64) {
        if !self.streams.contains_key(&network) || !self.takes_part(from, network) {
            self.with_link(from, |link| link.participation = true);
            return;
        }
        let known = epoch == self.epoch;
        self.with_link(from, |link| {
            link.send_all(network);
            if known {
                link.sent.insert(network, have);
            }
        });
    }

    fn digest_of(
        &mut self,
        now: Instant,
        from: NodeId,
        (epoch, participation): (u64, u64),
        streams: &[(NetworkId, u64)],
    ) {
        let owner: &mut Owner = self.owners.entry(from).or_default();
        if owner.is_behind(epoch, participation) {
            self.with_link(from, |link| link.ask_participation = true);
            return;
        }
        for &(network, version) in streams {
            let replica = self.owners.get(&from).and_then(|owner| owner.replicas.get(&network));
            if replica.is_some_and(|replica| replica.lacks(version)) {
                self.ask(now, from, network);
            }
        }
    }

    fn ask(&mut self, now: Instant, from: NodeId, network: NetworkId) {
        let owner = self.owners.get_mut(&from);
        let replica = owner.and_then(|owner| owner.replicas.get_mut(&network));
        let due = replica.is_some_and(|replica| replica.ask(now));
        if due && self.streams.contains_key(&network) {
            self.with_link(from, |link| {
                link.requests.insert(network);
            });
        }
    }

    fn with_link(&mut self, peer: NodeId, change: impl FnOnce(&mut crate::link::Link)) {
        if let Some(link) = self.links.get_mut(&peer) {
            change(link);
            self.ready.insert(peer);
        }
    }
}
