//! What others say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use weft_model::{NetworkId, NodeId};

use crate::directory::Attendance;
use crate::machine::Event;
use crate::outbox::{Detail, Say};
use crate::word::{Said, Word};
use crate::{Head, Message, Rejected, StreamId, Whereabouts};

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
        if from == self.me {
            return Err(Rejected::Myself { node: from });
        }
        if !self.directory.is_member(from) {
            return Err(Rejected::Stranger { from });
        }
        match message {
            Message::Participation { head, networks } => {
                return self.participation_of(now, from, head, &networks);
            }
            Message::DirectoryRequest { network } => {
                self.say(from, Say::Directory(network), Detail::Plain);
            }
            Message::Directory { network, nodes } => self.directory_of(network, &nodes),
            Message::Snapshot { stream, head, presence, rows, seal, fresh } => {
                let said = Said::All(rows);
                return self.take(now, Word { from, stream, head, presence, said, seal, fresh });
            }
            Message::Delta { stream, epoch, from: after, to, presence, changes, seal, fresh } => {
                let (head, said) = (Head { epoch, version: to }, Said::Since(after, changes));
                return self.take(now, Word { from, stream, head, presence, said, seal, fresh });
            }
            Message::Request { stream, have } => self.requested(from, stream, have),
            Message::Digest { network, sum } => self.digest_of(from, network, sum),
            Message::Buckets { network, sums } => self.buckets_of(from, network, &sums),
            Message::Heads { network, buckets, heads } => {
                self.heads_of(now, from, network, (buckets, &heads));
            }
        }
        Ok(())
    }

    fn participation_of(
        &mut self,
        now: Instant,
        from: NodeId,
        head: Head,
        networks: &BTreeSet<NetworkId>,
    ) -> Result<(), Rejected> {
        let known = self.directory.attendance.entry(from).or_default();
        if head.epoch < known.head.epoch {
            let (epoch, known) = (head.epoch, known.head.epoch);
            return Err(Rejected::OldEpoch { from, epoch, known });
        }
        if head <= known.head {
            return Ok(());
        }
        let before = std::mem::replace(known, Attendance { head, networks: networks.clone() });
        let changed = before.networks.symmetric_difference(networks);
        self.events.extend(changed.copied().map(Event::ParticipantsChanged));
        let shared: Vec<NetworkId> = self.tables.keys().copied().collect();
        for network in shared {
            if networks.contains(&network) {
                self.met(network, from, before.head.epoch != head.epoch);
            } else {
                self.gone(now, StreamId { network, owner: from }, head.epoch);
            }
        }
        Ok(())
    }

    /// A node says that it takes part in a network that this one does.
    fn met(&mut self, network: NetworkId, node: NodeId, restarted: bool) {
        let Some(table) = self.tables.get_mut(&network) else { return };
        if table.discover(node) || restarted {
            self.events.insert(Event::ParticipantsChanged(network));
            self.say(node, Say::Heads(network), Detail::In(u64::MAX));
        }
    }

    /// A node has no endpoints in its run `epoch` where it had some in one before: it is asked what it has
    /// said of that network since, if anything. What it has not said nobody says for it.
    fn gone(&mut self, now: Instant, stream: StreamId, epoch: u64) {
        let known = self.tables.get(&stream.network).and_then(|table| table.stream(stream.owner));
        // In the same run the stream itself tells, and may be further.
        if known.is_some_and(|known| !known.is_heard() || known.head().epoch < epoch) {
            self.ask(now, stream.owner, stream, true);
        }
    }

    fn directory_of(&mut self, network: NetworkId, nodes: &BTreeSet<NodeId>) {
        let members = std::sync::Arc::clone(&self.directory.members);
        let Some(table) = self.tables.get_mut(&network) else { return };
        let first = !std::mem::replace(&mut table.answered, true);
        let others =
            nodes.iter().filter(|node| **node != self.me && members.nodes.contains_key(node));
        let new = others.filter(|node| table.discover(**node)).count();
        if new > 0 || first {
            self.events.insert(Event::ParticipantsChanged(network));
            self.push(StreamId { network, owner: self.me }, 0);
            self.ask_teachers(network);
        }
    }

    fn requested(&mut self, from: NodeId, stream: StreamId, have: Head) {
        let Some(table) = self.tables.get(&stream.network) else {
            return self.say(from, Say::Absent(stream.network), Detail::Plain);
        };
        let head = table.head(stream.owner);
        if head > have {
            let version = if head.epoch == have.epoch { have.version } else { 0 };
            self.say(from, Say::News(stream), Detail::After { version, fresh: false });
        }
    }

    fn digest_of(&mut self, from: NodeId, network: NetworkId, sum: u64) {
        match self.tables.get(&network).map(|table| table.sums().total()) {
            None => self.say(from, Say::Absent(network), Detail::Plain),
            Some(own) if own != sum => self.say(from, Say::Buckets(network), Detail::Plain),
            Some(_same) => {}
        }
    }

    fn buckets_of(&mut self, from: NodeId, network: NetworkId, sums: &[u64]) {
        match self.tables.get(&network).map(|table| table.sums().differing(sums)) {
            None => self.say(from, Say::Absent(network), Detail::Plain),
            Some(0) => {}
            Some(differing) => self.say(from, Say::Heads(network), Detail::In(differing)),
        }
    }

    /// Tells what the other lacks and asks for what it has.
    fn heads_of(
        &mut self,
        now: Instant,
        from: NodeId,
        network: NetworkId,
        (buckets, heads): (u64, &[(NodeId, Head)]),
    ) {
        let Some(table) = self.tables.get(&network) else {
            return self.say(from, Say::Absent(network), Detail::Plain);
        };
        let theirs: BTreeMap<_, _> = heads.iter().copied().collect();
        let lacking = |(owner, head): &(NodeId, Head)| theirs.get(owner).is_none_or(|t| t < head);
        let news: Vec<_> = table.heads(buckets).into_iter().filter(lacking).collect();
        let members = &self.directory.members.nodes;
        let newer = |(owner, head): &&(NodeId, Head)| {
            *owner != self.me && members.contains_key(owner) && table.head(*owner) < *head
        };
        let wanted: Vec<NodeId> = heads.iter().filter(newer).map(|(owner, _)| *owner).collect();
        for (owner, head) in news {
            let have = theirs.get(&owner).copied().unwrap_or_default();
            let version = if have.epoch == head.epoch { have.version } else { 0 };
            let detail = Detail::After { version, fresh: false };
            self.say(from, Say::News(StreamId { network, owner }), detail);
        }
        for stream in wanted.into_iter().map(|owner| StreamId { network, owner }) {
            self.ask(now, from, stream, false);
        }
    }
}
