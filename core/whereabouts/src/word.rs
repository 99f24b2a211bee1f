//! What is said of a stream, and whether that is its owner's word.
//!
//! It does not matter who says it: what the stream would be after it has to be what the owner has
//! signed. So a member can pass on what others say, or be silent, but not say anything in their place.

use std::sync::Arc;
use std::time::Instant;

use weft_model::{Endpoint, EndpointId, NodeId};

use crate::machine::Event;
use crate::outbox::{Detail, Say};
use crate::stream::{Effect, Stream};
use crate::{Head, Presence, Rejected, RowChange, Seal, StreamId, Whereabouts};

/// A message about a stream.
#[derive(Debug)]
pub(crate) struct Word {
    pub(crate) from: NodeId,
    pub(crate) stream: StreamId,
    /// How far it leads.
    pub(crate) head: Head,
    pub(crate) presence: Presence,
    pub(crate) said: Said,
    /// Under all that the owner has then.
    pub(crate) seal: Seal,
    pub(crate) fresh: bool,
}

/// Its rows.
#[derive(Debug)]
pub(crate) enum Said {
    /// All of them.
    All(Vec<Arc<Endpoint>>),
    /// What changed after a version.
    Since(u64, Vec<RowChange>),
}

impl Word {
    /// A row in it that by its id cannot be the owner's.
    fn strange(&self) -> Option<EndpointId> {
        let strange = |id: &EndpointId| !id.is_at(self.stream.owner);
        match &self.said {
            Said::All(rows) => rows.iter().map(|row| row.id).find(strange),
            Said::Since(_, changes) => changes.iter().map(RowChange::id).find(strange),
        }
    }

    /// Tells a copy of the stream.
    fn tell(self, copy: &mut Stream) -> Effect {
        let Self { head, presence, said, .. } = self;
        match said {
            Said::All(rows) => copy.replace(head, presence, rows),
            Said::Since(from, changes) => {
                copy.apply((head.epoch, from, head.version), presence, changes)
            }
        }
    }

    const fn unsigned(&self) -> Rejected {
        let StreamId { owner, .. } = self.stream;
        Rejected::NotTheirWord { from: self.from, owner, epoch: self.head.epoch }
    }
}

impl Whereabouts {
    /// Takes a word, whoever says it, if it is the owner's.
    pub(crate) fn take(&mut self, now: Instant, word: Word) -> Result<(), Rejected> {
        let StreamId { network, owner } = word.stream;
        if owner == self.me {
            return self.own_word(word);
        }
        if !self.directory.is_member(owner) {
            return Ok(());
        }
        let Some(table) = self.tables.get(&network) else {
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
        let copy = table.stream(owner).cloned().unwrap_or_else(Stream::unheard);
        self.take_news(now, (known, copy), word)
    }

    /// Takes what leads further than what is `known` of a stream.
    fn take_news(
        &mut self,
        now: Instant,
        (known, mut copy): (Head, Stream),
        word: Word,
    ) -> Result<(), Rejected> {
        let (stream, from, seal, fresh) = (word.stream, word.from, word.seal, word.fresh);
        let StreamId { network, owner } = stream;
        let (strange, unsigned) = (word.strange(), word.unsigned());
        let part = matches!(word.said, Said::Since(..));
        let rows = match word.tell(&mut copy) {
            Effect::Known => return Ok(()),
            Effect::Gap => {
                self.ask(now, from, stream, fresh);
                return Ok(());
            }
            Effect::Advanced { rows } => rows,
        };
        if !self.is_sealed(stream, &copy, &seal) {
            if part {
                // Perhaps what is known here is not what the changes were told upon: of two hosts with
                // one key it may be the other's.
                self.say(from, Say::Request(stream), Detail::Whole);
            }
            return Err(unsigned);
        }
        copy.set_seal(seal);
        if let Some(endpoint) = strange {
            return Err(Rejected::NotYours { from: owner, endpoint });
        }
        let Some(table) = self.tables.get_mut(&network) else { return Ok(()) };
        let head = copy.head();
        let awaited = table.take(owner, copy);
        if rows || known.epoch == 0 {
            self.events.extend([Event::Changed(network), Event::ParticipantsChanged(network)]);
        }
        if fresh || awaited {
            let after = if known.epoch == head.epoch { known.version } else { 0 };
            self.pass_on(now, stream, after, from);
        }
        Ok(())
    }

    /// Others pass on this node's own words. What it has not said it does not believe; if it has signed
    /// that all the same, somebody else has its key.
    fn own_word(&mut self, word: Word) -> Result<(), Rejected> {
        let (stream, from, seal, head) = (word.stream, word.from, word.seal, word.head);
        if head <= (Head { epoch: self.epoch, version: self.clock }) {
            if !self.tables.contains_key(&stream.network) {
                self.say(from, Say::Absent(stream.network), Detail::Plain);
            }
            return Ok(());
        }
        if matches!(word.said, Said::Since(..)) {
            // It cannot be told from changes alone.
            self.say(from, Say::Request(stream), Detail::Whole);
            return Ok(());
        }
        let (unsigned, mut whole) = (word.unsigned(), Stream::unheard());
        word.tell(&mut whole);
        match self.is_sealed(stream, &whole, &seal) {
            true => Err(Rejected::NotMyWord { from, epoch: head.epoch, known: self.epoch }),
            false => Err(unsigned),
        }
    }

    fn is_sealed(&self, id: StreamId, stream: &Stream, seal: &Seal) -> bool {
        let key = self.directory.members.nodes.get(&id.owner);
        key.is_some_and(|key| self.notary.is_sealed(key, &stream.statement(id), seal))
    }

    /// Asks a node for a stream, from where it is known here.
    pub(crate) fn ask(&mut self, now: Instant, of: NodeId, stream: StreamId, fresh: bool) {
        let table = self.tables.get_mut(&stream.network);
        if table.is_some_and(|table| table.ask(now, stream.owner, fresh)) {
            self.say(of, Say::Request(stream), Detail::Plain);
        }
    }
}
