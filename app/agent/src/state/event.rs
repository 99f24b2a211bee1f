//! The owner's loop: all the things that make this node change its mind, in one list.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use weft_model::NodeId;
use weft_whereabouts::Message;

use super::{Ask, State};

/// How often idle blocks are looked for.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// What the mesh tells.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A node can be talked to.
    Up(NodeId),
    /// A node cannot be talked to.
    Down(NodeId),
    /// A node said where something is.
    Message(NodeId, Message),
}

/// All events.
#[derive(Debug)]
enum Event {
    Asked(Ask),
    Heard(Heard),
    Registry,
    Timer,
    Stop,
}

impl State {
    /// Takes one event after another until the registry's follower is gone.
    pub(crate) async fn run(
        mut self,
        mut asks: mpsc::Receiver<Ask>,
        mut heard: mpsc::Receiver<Heard>,
    ) {
        self.publish();
        let mut next_housekeeping = Self::now();
        loop {
            match self.next(&mut asks, &mut heard, next_housekeeping).await {
                Event::Stop => return,
                Event::Asked(ask) => self.answer(ask).await,
                Event::Heard(heard) => self.hear(heard),
                Event::Registry => self.take_registry(),
                Event::Timer => {}
            }
            let now = Self::now();
            if now >= next_housekeeping {
                self.keep_house(now);
                self.release_orphans(now).await;
                next_housekeeping = now + HOUSEKEEPING;
            }
            self.run_machines(now);
            self.publish();
        }
    }

    /// Cancel-safe: every branch is a channel or a timer.
    async fn next(
        &mut self,
        asks: &mut mpsc::Receiver<Ask>,
        heard: &mut mpsc::Receiver<Heard>,
        housekeeping: Instant,
    ) -> Event {
        let timers = [self.whereabouts.poll_timeout(), self.membership.poll_timeout()];
        let due = timers.into_iter().flatten().min().map_or(housekeeping, |t| t.min(housekeeping));
        tokio::select! {
            biased;
            changed = self.registry.changed() => changed.map_or(Event::Stop, |()| Event::Registry),
            Some(heard) = heard.recv() => Event::Heard(heard),
            Some(ask) = asks.recv() => Event::Asked(ask),
            () = tokio::time::sleep_until(due.into()) => Event::Timer,
        }
    }

    fn hear(&mut self, heard: Heard) {
        let now = Self::now();
        match heard {
            Heard::Up(node) => {
                self.membership.connected(node);
                self.whereabouts.peer_up(now, node);
            }
            Heard::Down(node) => {
                self.membership.disconnected(now, node);
                self.whereabouts.peer_down(node);
            }
            Heard::Message(from, message) => {
                if let Err(rejected) = self.whereabouts.handle(now, from, message) {
                    self.counters.rejected.inc();
                    tracing::warn!(node = %from, error = %rejected, "a message was rejected");
                }
            }
        }
    }

    /// Lets the machines act on the time and carries out what they want.
    fn run_machines(&mut self, now: Instant) {
        self.membership.handle_timeout(now);
        self.whereabouts.handle_timeout(now);
        while let Some(event) = self.membership.poll_event() {
            match event {
                weft_membership::Event::Down(node) => {
                    tracing::info!(node = %node, "node is down: its names are hidden");
                    self.whereabouts.hide(node);
                }
                weft_membership::Event::Up(node) => {
                    tracing::info!(node = %node, "node is up");
                    self.whereabouts.show(node);
                }
            }
        }
        while self.whereabouts.poll_event().is_some() {}
        while let Some(transmit) = self.whereabouts.poll_transmit() {
            if let Err(error) = self.mesh.send(transmit.to, transmit.message) {
                tracing::debug!(node = %transmit.to, error = %error, "a message was not sent");
            }
        }
    }

    async fn answer(&mut self, ask: Ask) {
        // An asker that has given up still gets what it asked for: it is durable by now.
        match ask {
            Ask::Lease { network, want, reply } => {
                drop(reply.send(self.lease(network, want).await));
            }
            Ask::Release { network, address, reply } => {
                drop(reply.send(self.release(network, address).await));
            }
            Ask::Attach { attachment, reply } => drop(reply.send(self.attach(attachment).await)),
            Ask::Detach { id, reply } => drop(reply.send(self.detach(id).await)),
            Ask::Rename { endpoint, names, reply } => {
                drop(reply.send(self.rename(&endpoint, names).await));
            }
            Ask::DockerNetwork { id, network, reply } => {
                drop(reply.send(self.docker_network(id, network).await));
            }
            Ask::Ages { reply } => drop(reply.send(self.since.clone())),
            Ask::Gone { netns } => self.sweep(&netns).await,
            Ask::Retire { network, range, reply } => {
                reply.send(self.retire(network, range).await).ok();
            }
            Ask::SetAside { network, address, reply } => {
                drop(reply.send(self.set_aside(network, address).await));
            }
            Ask::Ceded { network, address, range, reply } => {
                drop(reply.send(self.ceded(network, address, range).await));
            }
            Ask::Retired { network, range, known } => self.retired(network, range, known).await,
        }
    }
}
