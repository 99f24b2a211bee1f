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

#[cfg(test)]
mod tests {
    use hickory_proto::op::{Message, MessageType, OpCode, Query};
    use hickory_proto::rr::{Name, RecordType};
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn an_answer_goes_back_to_its_asker_under_the_askers_own_id() {
        let mut flight = Flight::default();
        let sent = flight.begin(Instant::now(), ask(1, 7, "a.test."), || 500).unwrap();
        assert_eq!(sent[..2], 500_u16.to_be_bytes());
        let (client, reply) = flight.end(&answered(&sent)).unwrap();
        assert_eq!((client, &reply[..2]), (client_at(1), &7_u16.to_be_bytes()[..]));
        assert_eq!(flight.next_deadline(), None);
    }

    #[test]
    fn what_nobody_asked_is_not_handed_back() {
        let mut flight = Flight::default();
        let sent = flight.begin(Instant::now(), ask(1, 7, "a.test."), || 500).unwrap();
        let other_name = with_id(&answered(&ask(1, 7, "b.test.").request), 500);
        assert_eq!(flight.end(&other_name), None, "another name under the right id");
        assert_eq!(
            flight.end(&with_id(&answered(&sent), 501)),
            None,
            "the right name under another id"
        );
        assert_eq!(flight.end(&sent), None, "the question itself");
        assert_eq!(flight.end(&[]), None, "nothing");
        assert!(flight.end(&answered(&sent)).is_some());
        assert_eq!(flight.end(&answered(&sent)), None, "a second answer");
    }

    #[test]
    fn an_error_without_its_question_is_an_answer() {
        let mut flight = Flight::default();
        flight.begin(Instant::now(), ask(1, 7, "a.test."), || 500).unwrap();
        let bare = [1, 244, 0x80, 0x01, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(flight.end(&bare).is_some());
    }

    #[test]
    fn a_question_that_breaks_two_sockets_has_failed() {
        let mut flight = Flight::default();
        let mut ids = 0..;
        let sent =
            flight.begin(Instant::now(), ask(1, 7, "a.test."), || ids.next().unwrap()).unwrap();
        assert_eq!(flight.again(), (vec![sent], vec![]));
        let young =
            flight.begin(Instant::now(), ask(2, 8, "b.test."), || ids.next().unwrap()).unwrap();
        assert_eq!(flight.again(), (vec![young], vec![ask(1, 7, "a.test.")]));
    }

    proptest! {
        /// Every question ends exactly once: answered, expired, or refused at the door.
        #[test]
        fn every_question_ends_once(
            steps in prop::collection::vec((any::<u16>(), 0..3_u8), 1..600)
        ) {
            let mut flight = Flight::default();
            let mut now = Instant::now();
            let (mut begun, mut ended, mut open) = (0_usize, 0_usize, Vec::new());
            for (bits, step) in steps {
                match step {
                    0 | 1 => {
                        begun += 1;
                        // Few ids, so that they collide.
                        match flight.begin(now, ask(1, bits, "a.test."), || bits % 16) {
                            Ok(sent) => open.push(sent),
                            Err(_) => ended += 1,
                        }
                    }
                    _ if bits % 2 == 0 => {
                        let reply = open.pop().and_then(|sent| flight.end(&answered(&sent)));
                        ended += usize::from(reply.is_some());
                    }
                    _ => {
                        now += Duration::from_millis(u64::from(bits));
                        ended += flight.expire(now).len();
                    }
                }
                prop_assert!(flight.pending.len() <= MAX_IN_FLIGHT);
                prop_assert_eq!(flight.pending.len(), flight.deadlines.len());
            }
            ended += flight.abandon().len();
            prop_assert_eq!(begun, ended);
        }
    }

    fn client_at(last: u8) -> SocketAddr {
        ([127, 0, 0, last], 4000).into()
    }

    fn ask(client: u8, id: u16, name: &str) -> Ask {
        let mut message = Message::new(id, MessageType::Query, OpCode::Query);
        message.add_query(Query::query(Name::from_ascii(name).unwrap(), RecordType::A));
        Ask { client: client_at(client), request: message.to_vec().unwrap() }
    }

    fn answered(question: &[u8]) -> Vec<u8> {
        let mut reply = question.to_vec();
        reply[2] |= 0x80;
        reply
    }
}
