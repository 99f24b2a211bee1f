//! One question's way: read, ask `core/names`, say or hand on.

use std::sync::Arc;

use rand::seq::SliceRandom as _;
use tokio::sync::watch;
use weft_names::{Answer, Asker, Zones};

use crate::message::{self, Malformed, Request, Transport};
use crate::{Outcome, Queries};

/// What is known when a question of one container comes in.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) zones: watch::Receiver<Arc<Zones>>,
    pub(crate) asker: watch::Receiver<Asker>,
    pub(crate) queries: Queries,
}

/// What to do with the bytes that came in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ignore,
    Reply(Vec<u8>),
    Forward,
}

impl Desk {
    pub(crate) fn decide(&self, bytes: &[u8], transport: Transport) -> Verdict {
        let verdict = match Request::parse(bytes) {
            Ok(request) => self.answer(&request, transport),
            Err(malformed) => {
                self.queries.count(Outcome::Malformed);
                match malformed {
                    Malformed::Ignore => Verdict::Ignore,
                    Malformed::Reply(bytes) => Verdict::Reply(bytes),
                }
            }
        };
        if verdict == Verdict::Reply(Vec::new()) { Verdict::Ignore } else { verdict }
    }

    /// The answer of another resolver, without addresses of what is known to have ended.
    ///
    /// Docker's own resolver knows a container for as long as it takes to put it away.
    pub(crate) fn believe(&self, reply: Vec<u8>) -> Vec<u8> {
        let ended = self.zones.borrow().ended(&self.asker.borrow());
        if ended.is_empty() {
            return reply;
        }
        message::without(&reply, &ended).unwrap_or(reply)
    }

    fn answer(&self, request: &Request, transport: Transport) -> Verdict {
        let mut answer =
            weft_names::answer(&self.zones.borrow(), &self.asker.borrow(), &request.question);
        self.queries.count(outcome(&answer));
        match &mut answer {
            Answer::Forward => return Verdict::Forward,
            Answer::Addresses(addresses) => addresses.shuffle(&mut rand::rng()),
            Answer::Pointer(_) | Answer::Empty | Answer::Nonexistent | Answer::Refuse => {}
        }
        Verdict::Reply(request.reply(answer, transport))
    }
}

const fn outcome(answer: &Answer) -> Outcome {
    match answer {
        Answer::Addresses(_) | Answer::Pointer(_) => Outcome::Answered,
        Answer::Empty => Outcome::Empty,
        Answer::Nonexistent => Outcome::Nonexistent,
        Answer::Forward => Outcome::Forwarded,
        Answer::Refuse => Outcome::Refused,
    }
}
