//! Questions over UDP that are not ours: handed on, to one after the other until there is an answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::debug;

use crate::desk::Desk;
use crate::flight::{Ask, Flight, Journey, Target};
use crate::lines::Lines;
use crate::message::Worth;
use crate::{DEADLINE, Outcome, Upstream, message};

/// After this long without a question the sockets are closed.
const QUIET: Duration = Duration::from_secs(30);

/// Hands questions on and answers back.
pub(crate) struct Forwarder {
    client: Arc<UdpSocket>,
    upstream: Arc<dyn Upstream>,
    desk: Desk,
    lines: Lines,
    flight: Flight,
}

enum Event {
    Ask(Ask),
    Reply(u64, usize),
    Broken(u64, io::Error),
    Time,
    Closed,
}

impl Forwarder {
    pub(crate) fn new(client: Arc<UdpSocket>, upstream: Arc<dyn Upstream>, desk: Desk) -> Self {
        let (lines, flight) = (Lines::new(Arc::clone(&upstream)), Flight::default());
        Self { client, upstream, desk, lines, flight }
    }

    pub(crate) async fn run(mut self, mut queue: mpsc::Receiver<Ask>) {
        loop {
            // Others on this thread have their turn, however much comes in.
            tokio::task::consume_budget().await;
            match self.next(&mut queue).await {
                Event::Ask(ask) => self.ask(ask).await,
                Event::Reply(line, length) => self.reply(line, length).await,
                Event::Broken(line, error) => {
                    let stranded = self.broken(line, &error);
                    self.send(stranded).await;
                }
                Event::Time => self.expire().await,
                Event::Closed => return,
            }
        }
    }

    async fn next(&mut self, queue: &mut mpsc::Receiver<Ask>) -> Event {
        let wake = self.flight.next_due().unwrap_or_else(|| Instant::now() + QUIET);
        // Cancel-safe: a question or datagram is taken only by the branch that wins. In no order: a
        // flood of forged answers does not stand in the way of questions.
        tokio::select! {
            (line, read) = self.lines.receive() => match read {
                Ok(length) => Event::Reply(line, length),
                Err(error) => Event::Broken(line, error),
            },
            ask = queue.recv() => ask.map_or(Event::Closed, Event::Ask),
            () = tokio::time::sleep_until(wake) => Event::Time,
        }
    }

    async fn ask(&mut self, ask: Ask) {
        if self.flight.is_full() {
            return self.fail(&ask, Outcome::Overloaded);
        }
        let first = self.desk.beyond(None).filter(|_| ask.beyond);
        let target = first.map_or(Target::Own, Target::Beyond);
        let deadline = Instant::now() + DEADLINE;
        self.send(vec![Journey { ask, target, deadline, again: false }]).await;
    }

    /// It ends: whatever does not get away is a step further in its journey.
    async fn send(&mut self, mut journeys: Vec<Journey>) {
        while let Some(journey) = journeys.pop() {
            journeys.extend(self.send_one(journey).await);
        }
    }

    /// Answers what has to go another way: nothing, or all that was on the same line.
    async fn send_one(&mut self, journey: Journey) -> Vec<Journey> {
        let until = self.patience(&journey);
        let line = match self.lines.pick(journey.target, &self.flight).await {
            Ok(line) => line,
            Err(error) => {
                self.out_of_reach(journey.target, &error);
                return self.onward(journey).into_iter().collect();
            }
        };
        let bytes = self.flight.begin((line, until), journey, rand::random);
        match self.lines.send(line, &bytes).await {
            Ok(()) => Vec::new(),
            Err(error) => self.broken(line, &error),
        }
    }

    /// Those beyond share the time with the own resolver, which has all that is left.
    fn patience(&self, journey: &Journey) -> Instant {
        match journey.target {
            Target::Own => journey.deadline,
            Target::Beyond(_) => {
                let share = DEADLINE / self.desk.count_beyond().saturating_add(1);
                journey.deadline.min(Instant::now() + share)
            }
        }
    }

    async fn reply(&mut self, line: u64, length: usize) {
        let reply = self.lines.datagram(length);
        let Some((journey, reply)) = self.flight.end(line, reply) else { return };
        match self.instead(journey.target, &reply) {
            Some(target) => self.send(vec![Journey { target, ..journey }]).await,
            None => self.say(&self.desk.believe(reply), journey.ask.client),
        }
    }

    /// Who is asked as well, after an answer.
    fn instead(&self, target: Target, reply: &[u8]) -> Option<Target> {
        let Target::Beyond(server) = target else { return None };
        let next = self.desk.beyond(Some(server))?;
        match message::worth(reply) {
            Worth::All => None,
            Worth::Nothing => Some(Target::Beyond(next)),
            Worth::Doubtful => Some(Target::Own),
        }
    }

    /// Answers the questions that have to go another way.
    fn broken(&mut self, line: u64, error: &io::Error) -> Vec<Journey> {
        let target = self.lines.target(line);
        self.lines.close(line);
        if let Some(target) = target {
            self.out_of_reach(target, error);
        }
        let stranded = self.flight.strand(line);
        stranded.into_iter().filter_map(|journey| self.onward(journey)).collect()
    }

    fn out_of_reach(&self, target: Target, error: &io::Error) {
        debug!(%error, ?target, "name server out of reach");
        if target == Target::Own {
            self.upstream.failed();
        }
    }

    /// The next step: another server, the own resolver, that once more over a fresh socket; no more.
    fn onward(&self, journey: Journey) -> Option<Journey> {
        match journey.target {
            Target::Beyond(server) => {
                let target = self.desk.beyond(Some(server)).map_or(Target::Own, Target::Beyond);
                Some(Journey { target, ..journey })
            }
            Target::Own if journey.again => {
                self.fail(&journey.ask, Outcome::Unanswered);
                None
            }
            Target::Own => Some(Journey { again: true, ..journey }),
        }
    }

    async fn expire(&mut self) {
        let now = Instant::now();
        let over = self.flight.expire(now);
        if over.is_empty() && self.flight.next_due().is_none() {
            return self.lines.close_all();
        }
        if over.iter().any(|(_, journey)| journey.target == Target::Own) {
            self.upstream.failed();
        }
        let mut further = Vec::new();
        for (line, journey) in over {
            self.lines.doubt(line);
            if journey.deadline <= now || journey.target == Target::Own {
                self.fail(&journey.ask, Outcome::Unanswered);
            } else {
                further.extend(self.onward(journey));
            }
        }
        self.send(further).await;
    }

    fn fail(&self, ask: &Ask, outcome: Outcome) {
        self.desk.queries.count(outcome);
        if let Some(reply) = message::server_failure(&ask.request) {
            self.say(&reply, ask.client);
        }
    }

    fn say(&self, reply: &[u8], to: SocketAddr) {
        // A lost answer is asked for again: that is what UDP promises.
        let _sent = self.client.try_send_to(reply, to);
    }
}
