//! Questions that are with the upstream: who asked, under which id, until when.
//!
//! Pure: the time and the random ids come in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::message;

/// How many questions of one container may be with its upstream at a time.
pub const MAX_IN_FLIGHT: usize = 256;
/// After this the asker is told that no answer came; most resolvers ask again after 5 s.
pub const DEADLINE: Duration = Duration::from_secs(4);

/// A question to hand on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) client: SocketAddr,
    /// As it came, with the client's id in the first two bytes.
    pub(crate) request: Vec<u8>,
}

#[derive(Debug)]
struct Pending {
    ask: Ask,
    deadline: Instant,
    /// Asked a second time, after the upstream's socket broke.
    again: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Flight {
    pending: BTreeMap<u16, Pending>,
    deadlines: BTreeSet<(Instant, u16)>,
}

impl Flight {
    /// The bytes to send, under an id that is free; `Err` gives the question back if it is full.
    pub(crate) fn begin(
        &mut self,
        now: Instant,
        ask: Ask,
        mut random: impl FnMut() -> u16,
    ) -> Result<Vec<u8>, Ask> {
        if self.pending.len() >= MAX_IN_FLIGHT {
            return Err(ask);
        }
        let mut id = random();
        while self.pending.contains_key(&id) {
            id = id.wrapping_add(1);
        }
        let bytes = with_id(&ask.request, id);
        let deadline = now + DEADLINE;
        self.deadlines.insert((deadline, id));
        self.pending.insert(id, Pending { ask, deadline, again: false });
        Ok(bytes)
    }

    /// The client of an answer, and the answer under the client's own id.
    ///
    /// Absent if nobody asked that: it may be forged, or late.
    pub(crate) fn end(&mut self, reply: &[u8]) -> Option<(SocketAddr, Vec<u8>)> {
        let id = u16::from_be_bytes(*reply.first_chunk()?);
        let pending = self.pending.get(&id)?;
        if !message::belongs(reply, &pending.ask.request) {
            return None;
        }
        let ask = self.remove(id)?;
        let own = u16::from_be_bytes(*ask.request.first_chunk()?);
        Some((ask.client, with_id(reply, own)))
    }

    /// The questions whose time is over.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Ask> {
        let over: Vec<u16> = self
            .deadlines
            .iter()
            .take_while(|(deadline, _)| *deadline <= now)
            .map(|(_, id)| *id)
            .collect();
        over.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    /// After the socket broke: what to send once more, and the questions that had their chance.
    pub(crate) fn again(&mut self) -> (Vec<Vec<u8>>, Vec<Ask>) {
        let twice: Vec<u16> =
            self.pending.iter().filter(|(_, p)| p.again).map(|(id, _)| *id).collect();
        let failed = twice.into_iter().filter_map(|id| self.remove(id)).collect();
        let mut once = Vec::with_capacity(self.pending.len());
        for (id, pending) in &mut self.pending {
            pending.again = true;
            once.push(with_id(&pending.ask.request, *id));
        }
        (once, failed)
    }

    /// Gives everything up.
    pub(crate) fn abandon(&mut self) -> Vec<Ask> {
        self.deadlines.clear();
        std::mem::take(&mut self.pending).into_values().map(|pending| pending.ask).collect()
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    fn remove(&mut self, id: u16) -> Option<Ask> {
        let pending = self.pending.remove(&id)?;
        self.deadlines.remove(&(pending.deadline, id));
        Some(pending.ask)
    }
}

fn with_id(message: &[u8], id: u16) -> Vec<u8> {
    let body = message.get(2..).unwrap_or_default();
    [id.to_be_bytes().as_slice(), body].concat()
}
