//! One question's way: read, ask `core/names`, say or hand on.

use std::net::SocketAddr;
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
    /// To the asker's own resolver, or past it if that knows no more than the servers beyond.
    Forward {
        beyond: bool,
    },
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

    /// The server beyond that is asked first, or after another one; absent: nobody is left but the
    /// asker's own resolver.
    pub(crate) fn beyond(&self, after: Option<SocketAddr>) -> Option<SocketAddr> {
        let asker = self.asker.borrow();
        let mut servers = asker.beyond.iter().copied();
        if let Some(after) = after {
            servers.find(|server| *server == after)?;
        }
        servers.next()
    }

    /// How many servers beyond there are.
    pub(crate) fn count_beyond(&self) -> u32 {
        u32::try_from(self.asker.borrow().beyond.len()).unwrap_or(u32::MAX)
    }

    fn answer(&self, request: &Request, transport: Transport) -> Verdict {
        let (zones, asker) = (self.zones.borrow(), self.asker.borrow());
        let mut answer = weft_names::answer(&zones, &asker, &request.question);
        self.queries.count(outcome(&answer));
        match &mut answer {
            Answer::Forward => {
                let beyond = weft_names::is_beyond(&zones, &asker, &request.question);
                return Verdict::Forward { beyond };
            }
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
