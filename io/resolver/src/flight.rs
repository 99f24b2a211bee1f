//! Questions that are with a name server: who asked, under which id, on which socket, until when.
//!
//! Pure: the time and the random ids come in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::message;

/// How many questions of one container may be with name servers at a time.
pub const MAX_IN_FLIGHT: usize = 256;
/// After this the asker is told that no answer came; most resolvers ask again after 5 s.
pub const DEADLINE: Duration = Duration::from_secs(4);

/// A question to hand on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) client: SocketAddr,
    /// As it came, with the client's id in the first two bytes.
    pub(crate) request: Vec<u8>,
    /// Whether the servers beyond may be asked.
    pub(crate) beyond: bool,
}

/// Whom a question is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A server beyond.
    Beyond(SocketAddr),
    /// The asker's own resolver.
    Own,
}

/// A question on its way, from one [`Target`] to the next if need be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Journey {
    pub(crate) ask: Ask,
    pub(crate) target: Target,
    /// When the asker is told that there is no answer.
    pub(crate) deadline: Instant,
    /// Asked a second time, after the own resolver's socket broke.
    pub(crate) again: bool,
}

#[derive(Debug)]
struct Pending {
    journey: Journey,
    /// The socket that it left by, and that its answer must come by.
    line: u64,
    until: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Flight {
    pending: BTreeMap<u16, Pending>,
    due: BTreeSet<(Instant, u16)>,
    /// How many there are on each line that has any.
    loads: BTreeMap<u64, usize>,
}

impl Flight {
    pub(crate) fn is_full(&self) -> bool {
        self.pending.len() >= MAX_IN_FLIGHT
    }

    /// The bytes to send on a line, under an id that is free. No answer is waited for beyond `until`.
    pub(crate) fn begin(
        &mut self,
        (line, until): (u64, Instant),
        journey: Journey,
        mut random: impl FnMut() -> u16,
    ) -> Vec<u8> {
        let mut id = random();
        while self.pending.contains_key(&id) {
            id = id.wrapping_add(1);
        }
        let bytes = with_id(&journey.ask.request, id);
        self.due.insert((until, id));
        *self.loads.entry(line).or_default() += 1;
        self.pending.insert(id, Pending { journey, line, until });
        bytes
    }

    /// The question of an answer that came by `line`, and the answer under the client's own id.
    ///
    /// Absent if nobody asked that there: it may be forged, or late.
    pub(crate) fn end(&mut self, line: u64, reply: &[u8]) -> Option<(Journey, Vec<u8>)> {
        let id = u16::from_be_bytes(*reply.first_chunk()?);
        let pending = self.pending.get(&id).filter(|pending| pending.line == line)?;
        if !message::belongs(reply, &pending.journey.ask.request) {
            return None;
        }
        let journey = self.remove(id)?.journey;
        let own = u16::from_be_bytes(*journey.ask.request.first_chunk()?);
        Some((journey, with_id(reply, own)))
    }

    /// The questions that are not waited for any longer, each with the line that it was on.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<(u64, Journey)> {
        let over: Vec<u16> =
            self.due.iter().take_while(|(until, _)| *until <= now).map(|(_, id)| *id).collect();
        let gone = over.into_iter().filter_map(|id| self.remove(id));
        gone.map(|pending| (pending.line, pending.journey)).collect()
    }

    /// The questions of a line that has broken.
    pub(crate) fn strand(&mut self, line: u64) -> Vec<Journey> {
        let on_it = |(id, pending): (&u16, &Pending)| (pending.line == line).then_some(*id);
        let ids: Vec<u16> = self.pending.iter().filter_map(on_it).collect();
        ids.into_iter().filter_map(|id| self.remove(id)).map(|pending| pending.journey).collect()
    }

    /// Whether answers may come by this line.
    pub(crate) fn is_on(&self, line: u64) -> bool {
        self.loads.contains_key(&line)
    }

    /// When [`Self::expire`] has something next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(until, _)| *until)
    }

    fn remove(&mut self, id: u16) -> Option<Pending> {
        let pending = self.pending.remove(&id)?;
        self.due.remove(&(pending.until, id));
        if let Some(load) = self.loads.get_mut(&pending.line) {
            *load -= 1;
            if *load == 0 {
                self.loads.remove(&pending.line);
            }
        }
        Some(pending)
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
        let sent = flight.begin(on(1), journey(1, 7, "a.test."), || 500);
        assert_eq!(sent[..2], 500_u16.to_be_bytes());
        assert!(flight.is_on(1) && !flight.is_on(2));
        let (journey, reply) = flight.end(1, &answered(&sent)).unwrap();
        assert_eq!((journey.ask.client, &reply[..2]), (client_at(1), &7_u16.to_be_bytes()[..]));
        assert_eq!((flight.next_due(), flight.is_on(1)), (None, false));
    }

    #[test]
    fn what_nobody_asked_is_not_handed_back() {
        let mut flight = Flight::default();
        let sent = flight.begin(on(1), journey(1, 7, "a.test."), || 500);
        let other_name = with_id(&answered(&journey(1, 7, "b.test.").ask.request), 500);
        assert_eq!(flight.end(1, &other_name), None, "another name under the right id");
        let other_id = with_id(&answered(&sent), 501);
        assert_eq!(flight.end(1, &other_id), None, "the right name under another id");
        assert_eq!(flight.end(2, &answered(&sent)), None, "by another socket");
        assert_eq!(flight.end(1, &sent), None, "the question itself");
        assert_eq!(flight.end(1, &[]), None, "nothing");
        assert!(flight.end(1, &answered(&sent)).is_some());
        assert_eq!(flight.end(1, &answered(&sent)), None, "a second answer");
    }

    #[test]
    fn an_error_without_its_question_is_an_answer() {
        let mut flight = Flight::default();
        flight.begin(on(1), journey(1, 7, "a.test."), || 500);
        let bare = [1, 244, 0x80, 0x01, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(flight.end(1, &bare).is_some());
    }

    #[test]
    fn a_line_that_breaks_strands_its_own_questions_alone() {
        let mut flight = Flight::default();
        let (one, other) = (journey(1, 7, "a.test."), journey(2, 8, "b.test."));
        flight.begin(on(1), one.clone(), || 500);
        let sent = flight.begin(on(2), other, || 500);
        assert_eq!(sent[..2], 501_u16.to_be_bytes(), "the other id is taken");
        assert_eq!(flight.strand(1), [one]);
        assert!(!flight.is_on(1) && flight.is_on(2));
        assert!(flight.end(2, &answered(&sent)).is_some());
    }

    proptest! {
        /// Every question ends exactly once: answered, expired, stranded, or refused at the door.
        #[test]
        fn every_question_ends_once(
            steps in prop::collection::vec((any::<u16>(), 0..4_u8), 1..600)
        ) {
            let mut flight = Flight::default();
            let mut now = Instant::now();
            let (mut begun, mut ended, mut open) = (0_usize, 0_usize, Vec::new());
            for (bits, step) in steps {
                let line = u64::from(bits % 3);
                match step {
                    0 | 1 => {
                        begun += 1;
                        if flight.is_full() {
                            ended += 1;
                            continue;
                        }
                        // Few ids, so that they collide.
                        let journey = journey(1, bits, "a.test.");
                        open.push(flight.begin((line, now + DEADLINE), journey, || bits % 16));
                    }
                    2 if bits % 2 == 0 => {
                        let reply = open.pop().and_then(|sent| flight.end(line, &answered(&sent)));
                        ended += usize::from(reply.is_some());
                    }
                    2 => {
                        now += Duration::from_millis(u64::from(bits));
                        ended += flight.expire(now).len();
                    }
                    _ => ended += flight.strand(line).len(),
                }
                prop_assert!(flight.pending.len() <= MAX_IN_FLIGHT);
                prop_assert_eq!(flight.pending.len(), flight.due.len());
                prop_assert_eq!(flight.pending.len(), flight.loads.values().sum::<usize>());
            }
            ended += (0..3).map(|line| flight.strand(line).len()).sum::<usize>();
            prop_assert_eq!(begun, ended);
        }
    }

    fn on(line: u64) -> (u64, Instant) {
        (line, Instant::now() + DEADLINE)
    }

    fn client_at(last: u8) -> SocketAddr {
        ([127, 0, 0, last], 4000).into()
    }

    fn journey(client: u8, id: u16, name: &str) -> Journey {
        let mut message = Message::new(id, MessageType::Query, OpCode::Query);
        message.add_query(Query::query(Name::from_ascii(name).unwrap(), RecordType::A));
        let request = message.to_vec().unwrap();
        let ask = Ask { client: client_at(client), request, beyond: false };
        Journey { ask, target: Target::Own, deadline: Instant::now() + DEADLINE, again: false }
    }

    fn answered(question: &[u8]) -> Vec<u8> {
        let mut reply = question.to_vec();
        reply[2] |= 0x80;
        reply
    }
}
