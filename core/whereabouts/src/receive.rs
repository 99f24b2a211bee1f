//! What others say.

use std::collections::BTreeSet;
use std::time::Instant;

use weft_model::{EndpointId, NetworkId, NodeId};

use crate::directory::Attendance;
use crate::machine::Event;
use crate::outbox::{Detail, Say};
use crate::stream::{Effect, Stream};
use crate::{Head, Message, Presence, Rejected, RowChange, StreamId, Whereabouts};

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
        if !self.directory.members.nodes.contains(&from) {
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
            Message::Snapshot { stream, head, presence, rows, fresh } => {
                let ids = rows.iter().map(|row| row.id).collect();
                let word = Word { from, stream, head, presence, fresh, ids, whole: true };
                return self.take(now, &word, |known| known.replace(head, presence, rows));
            }
            Message::Delta { stream, epoch, from: after, to, presence, changes, fresh } => {
                let ids = changes.iter().map(RowChange::id).collect();
                let head = Head { epoch, version: to };
                // Who leaves ends all of its rows.
                let whole = presence != Presence::Here;
                let word = Word { from, stream, head, presence, fresh, ids, whole };
                let apply = |known: &mut Stream| known.apply((epoch, after, to), presence, changes);
                return self.take(now, &word, apply);
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

    /// Takes rows of their owner, and where it cannot be asked itself of whoever passes them on.
    fn take(
        &mut self,
        now: Instant,
        word: &Word,
        apply: impl FnOnce(&mut Stream) -> Effect,
    ) -> Result<(), Rejected> {
        let StreamId { network, owner } = word.stream;
        if owner == self.me {
            return self.own_word(word);
        }
        if !self.directory.members.nodes.contains(&owner) {
            return Ok(());
        }
        let Some(table) = self.tables.get_mut(&network) else {
            if !(word.presence == Presence::Left && owner == word.from) {
                self.say(word.from, Say::Absent(network), Detail::Plain);
            }
            return Ok(());
        };
        let known = table.head(owner);
        if owner == word.from && word.head.epoch < known.epoch {
            let (epoch, known) = (word.head.epoch, known.epoch);
            return Err(Rejected::OldEpoch { from: owner, epoch, known });
        }
        if word.head <= known {
            return Ok(());
        }
        if self.is_hearsay(word.from, word.stream) {
            self.doubt(now, word.from, word.stream, word.head);
            return Ok(());
        }
        let Some(table) = self.tables.get_mut(&network) else { return Ok(()) };
        // An endpoint never moves, so a row that another node has is not this owner's.
        let other = |id: &EndpointId| table.owner_of(*id).filter(|of| *of != owner);
        let theft = word.ids.iter().find_map(|id| Some((*id, other(id)?)));
        if let Some((endpoint, of)) = theft {
            return Err(Rejected::NotYours { from: owner, endpoint, owner: of });
        }
        let rows = (!word.whole).then_some(word.ids.as_slice());
        let (effect, awaited) = table.take(owner, rows, apply);
        match effect {
            Effect::Known => {}
            Effect::Gap => self.ask(now, word.from, word.stream, word.fresh),
            Effect::Advanced { rows } => {
                if rows || known.epoch == 0 {
                    let events = [Event::Changed(network), Event::ParticipantsChanged(network)];
                    self.events.extend(events);
                }
                if word.fresh || awaited {
                    let after = if known.epoch == word.head.epoch { known.version } else { 0 };
                    self.pass_on(now, word.stream, after, word.from);
                }
            }
        }
        Ok(())
    }

    /// Others pass on this node's own words; what it has not said it does not believe.
    fn own_word(&mut self, word: &Word) -> Result<(), Rejected> {
        let last = Head { epoch: self.epoch, version: self.clock };
        if word.head > last {
            let (epoch, known) = (word.head.epoch, self.epoch);
            return Err(Rejected::NotMyWord { from: word.from, epoch, known });
        }
        if !self.tables.contains_key(&word.stream.network) {
            self.say(word.from, Say::Absent(word.stream.network), Detail::Plain);
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
        let others = nodes.iter().filter(|node| **node != self.me && members.nodes.contains(node));
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
        let theirs: std::collections::BTreeMap<_, _> = heads.iter().copied().collect();
        let lacking = |(owner, head): &(NodeId, Head)| theirs.get(owner).is_none_or(|t| t < head);
        let news: Vec<_> = table.heads(buckets).into_iter().filter(lacking).collect();
        let members = &self.directory.members.nodes;
        let newer = |(owner, head): &&(NodeId, Head)| {
            *owner != self.me && members.contains(owner) && table.head(*owner) < *head
        };
        let wanted: Vec<NodeId> = heads.iter().filter(newer).map(|(owner, _)| *owner).collect();
        for (owner, head) in news {
            let have = theirs.get(&owner).copied().unwrap_or_default();
            let version = if have.epoch == head.epoch { have.version } else { 0 };
            let detail = Detail::After { version, fresh: false };
            self.say(from, Say::News(StreamId { network, owner }), detail);
        }
        for stream in wanted.into_iter().map(|owner| StreamId { network, owner }) {
            let whom = if self.is_hearsay(from, stream) { stream.owner } else { from };
            self.ask(now, whom, stream, false);
        }
    }

    /// Asks a node for a stream.
    pub(crate) fn ask(&mut self, now: Instant, from: NodeId, stream: StreamId, fresh: bool) {
        let table = self.tables.get_mut(&stream.network);
        if table.is_some_and(|table| table.ask(now, stream.owner, fresh)) {
            self.say(from, Say::Request(stream), Detail::Plain);
        }
    }
}

/// A message about a stream, without its rows.
#[derive(Debug)]
struct Word {
    from: NodeId,
    stream: StreamId,
    head: Head,
    presence: Presence,
    fresh: bool,
    ids: Vec<EndpointId>,
    /// Whether it may change other rows than those.
    whole: bool,
}
