//! Questions over UDP that are not ours: one upstream socket for all of a container.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::debug;

use crate::desk::Desk;
use crate::flight::{Ask, Flight};
use crate::{Outcome, Upstream, message};

/// After this long without a question the socket is closed.
const QUIET: Duration = Duration::from_secs(30);
/// The largest datagram.
const LARGEST: usize = 65_535;

/// Hands questions on and answers back.
pub(crate) struct Forwarder {
    pub(crate) client: Arc<UdpSocket>,
    pub(crate) upstream: Arc<dyn Upstream>,
    pub(crate) desk: Desk,
}

/// An open socket to the upstream. A broken one is never kept: behind it may be a stale
/// connection-tracking entry, such as after a restart of Docker, whose resolver then has another
/// port.
struct Line {
    socket: UdpSocket,
    buffer: Vec<u8>,
}

enum Event {
    Ask(Ask),
    Reply(usize),
    Broken(io::Error),
    Time,
    Closed,
}

impl Forwarder {
    pub(crate) async fn run(self, mut queue: mpsc::Receiver<Ask>) {
        let mut flight = Flight::default();
        let mut line = None;
        loop {
            let wake = flight.next_deadline().unwrap_or_else(|| Instant::now() + QUIET);
            match next(&mut queue, &mut line, wake).await {
                Event::Ask(ask) => self.ask(&mut flight, &mut line, ask).await,
                Event::Reply(length) => self.reply(&mut flight, line.as_ref(), length),
                Event::Broken(error) => self.mend(&mut flight, &mut line, &error).await,
                Event::Time => self.expire(&mut flight, &mut line),
                Event::Closed => return,
            }
        }
    }

    async fn ask(&self, flight: &mut Flight, line: &mut Option<Line>, ask: Ask) {
        let bytes = match flight.begin(Instant::now(), ask, rand::random) {
            Ok(bytes) => bytes,
            Err(ask) => return self.fail(&ask, Outcome::Overloaded),
        };
        if let Err(error) = self.send(line, &bytes).await {
            self.mend(flight, line, &error).await;
        }
    }

    async fn send(&self, line: &mut Option<Line>, bytes: &[u8]) -> io::Result<()> {
        let open = match line.take() {
            Some(open) => open,
            None => self.open().await?,
        };
        open.socket.send(bytes).await?;
        *line = Some(open);
        Ok(())
    }

    async fn open(&self) -> io::Result<Line> {
        let upstream = Arc::clone(&self.upstream);
        let socket = tokio::task::spawn_blocking(move || upstream.udp()).await??;
        socket.set_nonblocking(true)?;
        Ok(Line { socket: UdpSocket::from_std(socket)?, buffer: vec![0; LARGEST] })
    }

    fn reply(&self, flight: &mut Flight, line: Option<&Line>, length: usize) {
        let reply = line.and_then(|line| line.buffer.get(..length)).unwrap_or_default();
        if let Some((client, bytes)) = flight.end(reply) {
            self.say(&self.desk.believe(bytes), client);
        }
    }

    /// A fresh socket for what is under way; a question that breaks two sockets has failed.
    async fn mend(&self, flight: &mut Flight, line: &mut Option<Line>, error: &io::Error) {
        debug!(%error, "upstream name server out of reach");
        *line = None;
        self.upstream.failed();
        let (once, failed) = flight.again();
        failed.iter().for_each(|ask| self.fail(ask, Outcome::Unanswered));
        for bytes in once {
            if self.send(line, &bytes).await.is_err() {
                *line = None;
                let all = flight.abandon();
                return all.iter().for_each(|ask| self.fail(ask, Outcome::Unanswered));
            }
        }
    }

    fn expire(&self, flight: &mut Flight, line: &mut Option<Line>) {
        let over = flight.expire(Instant::now());
        if !over.is_empty() {
            self.upstream.failed();
        }
        if !over.is_empty() || flight.next_deadline().is_none() {
            *line = None;
        }
        over.iter().for_each(|ask| self.fail(ask, Outcome::Unanswered));
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

async fn next(queue: &mut mpsc::Receiver<Ask>, line: &mut Option<Line>, wake: Instant) -> Event {
    // Cancel-safe: a question or datagram is taken only by the branch that wins.
    tokio::select! {
        biased;
        received = receive(line) => received.map_or_else(Event::Broken, Event::Reply),
        ask = queue.recv() => ask.map_or(Event::Closed, Event::Ask),
        () = tokio::time::sleep_until(wake) => Event::Time,
    }
}

async fn receive(line: &mut Option<Line>) -> io::Result<usize> {
    match line {
        Some(line) => line.socket.recv(&mut line.buffer).await,
        None => std::future::pending().await,
    }
}
