//! The owner's loop: all the things that make this node change its mind, in one list.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use weft_membership::Carrier;
use weft_model::{NodeId, Role};
use weft_whereabouts::{Message, Rejected};

use super::{Ask, State};

/// How often blocks are looked at that are idle or nearly used up.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// What the mesh tells.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A node can be talked to.
    Up(NodeId),
    /// A node cannot be talked to.
    Down(NodeId),
    /// A node does not take this one for a member.
    Disowned(NodeId),
    /// A node refuses this one, since another host is the same node.
    Doubled(NodeId),
    /// A node said where something is.
    Message(NodeId, Message),
    /// A node said who is alive.
    Membership(NodeId, Vec<u8>),
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
            let mut reply = None;
            let event = self.next(&mut asks, &mut heard, next_housekeeping).await;
            // Probes come all the time, and mostly nothing follows from them.
            let mut quiet = matches!(event, Event::Timer | Event::Heard(Heard::Membership(..)));
            match event {
                Event::Stop => return self.keep_lives().await,
                Event::Asked(ask) => reply = self.answer(ask).await,
                Event::Heard(heard) => self.hear(heard),
                Event::Registry => self.take_registry(),
                Event::Timer => {}
            }
            let now = Self::now();
            if now >= next_housekeeping {
                self.keep_house(now);
                self.look_ahead();
                self.release_orphans(now).await;
                self.keep_lives().await;
                next_housekeeping = now + HOUSEKEEPING;
                quiet = false;
            }
            let told = self.run_machines(now);
            if told || !quiet {
                self.publish();
            }
            // Who has an answer and looks finds no older picture.
            if let Some(reply) = reply {
                reply();
            }
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
                self.disowned &= !self.is_manager(node);
                self.doubled = false;
                self.membership.connected(now, node);
                self.whereabouts.peer_up(node);
            }
            Heard::Down(node) => self.membership.disconnected(now, node),
            Heard::Disowned(node) => {
                // Another worker may not have heard yet of a host that has just joined.
                if self.is_manager(node) && !std::mem::replace(&mut self.disowned, true) {
                    tracing::error!(node = %node, "this host was taken out of its cluster");
                }
            }
            Heard::Doubled(by) => {
                if !std::mem::replace(&mut self.doubled, true) {
                    tracing::error!(node = %by, "another host is this node: this one is refused");
                }
            }
            Heard::Message(from, message) => {
                if let Err(rejected) = self.whereabouts.handle(now, from, message) {
                    self.reject(&rejected);
                }
            }
            Heard::Membership(from, bytes) => {
                if let Err(malformed) = self.membership.handle(now, from, &bytes) {
                    self.counters.rejected.inc();
                    if self.rejected.is_news((from, "membership"), now) {
                        tracing::warn!(node = %from, error = %malformed, "a message was rejected");
                    }
                }
            }
        }
    }

    /// Every one is counted; of the same kind from the same node one a minute is told.
    fn reject(&mut self, rejected: &Rejected) {
        self.counters.rejected.inc();
        let (node, hint) = (rejected.sender(), rejected.hint());
        if !self.rejected.is_news((node, hint), Self::now()) {
            return;
        }
        let known = self.followed.view.node(node);
        let host = known.map(|node| tracing::field::display(&node.name));
        tracing::warn!(host, %node, error = %rejected, hint, "a message was rejected");
    }

    fn is_manager(&self, node: NodeId) -> bool {
        self.followed.view.node(node).is_some_and(|node| node.role == Role::Manager)
    }

    /// Lets the machines act on the time and carries out what they want; whether anything follows.
    fn run_machines(&mut self, now: Instant) -> bool {
        let mut told = false;
        self.membership.handle_timeout(now);
        self.whereabouts.handle_timeout(now);
        while let Some(event) = self.membership.poll_event() {
            told = true;
            match event {
                weft_membership::Event::Down(node) => {
                    tracing::info!(node = %node, "node is down: its names are hidden");
                    self.whereabouts.hide(node);
                }
                weft_membership::Event::Indirect(node) => {
                    tracing::warn!(node = %node, "node is reachable only indirectly: its names stay hidden here");
                    self.whereabouts.hide(node);
                }
                weft_membership::Event::Up(node) => {
                    tracing::info!(node = %node, "node is up");
                    self.whereabouts.show(node);
                }
            }
        }
        while self.whereabouts.poll_event().is_some() {
            told = true;
        }
        self.transmit();
        told
    }

    /// What the mesh cannot take is lost: the machines find out and make up for it.
    fn transmit(&mut self) {
        while let Some(weft_membership::Transmit { to, by, bytes }) =
            self.membership.poll_transmit()
        {
            let sent = match by {
                Carrier::Datagram => self.mesh.send_datagram(to, bytes),
                Carrier::Stream => self.mesh.send_membership(to, bytes),
            };
            if let Err(error) = sent {
                tracing::debug!(node = %to, error = %error, "a message was not sent");
            }
        }
        while let Some(transmit) = self.whereabouts.poll_transmit() {
            if let Err(error) = self.mesh.send(transmit.to, transmit.message) {
                tracing::debug!(node = %transmit.to, error = %error, "a message was not sent");
            }
        }
    }

    /// Carries out what was asked; the answer is sent when everybody can see what it tells of.
    ///
    /// An asker that has given up still gets what it asked for: it is durable by now.
    async fn answer(&mut self, ask: Ask) -> Reply {
        match ask {
            Ask::Lease { network, want, reply } => later(reply, self.lease(network, want).await),
            Ask::Release { network, address, reply } => {
                later(reply, self.release(network, address).await)
            }
            Ask::Attach { attachment, reply } => later(reply, self.attach(attachment).await),
            Ask::Detach { id, reply } => later(reply, self.detach(id).await),
            Ask::Rename { endpoint, names, reply } => {
                later(reply, self.rename(&endpoint, names).await)
            }
            Ask::Live { endpoints, life, reply } => {
                self.live(&endpoints, life);
                later(reply, ())
            }
            Ask::DockerNetwork { id, network, reply } => {
                later(reply, self.docker_network(id, network).await)
            }
            Ask::Fit { inner_mtu, reply } => {
                self.inner_mtu = inner_mtu;
                later(reply, self.publish())
            }
            Ask::Ages { reply } => later(reply, self.since.clone()),
            Ask::Retire { network, range, reply } => {
                later(reply, self.retire(network, range).await)
            }
            Ask::SetAside { network, address, reply } => {
                later(reply, self.set_aside(network, address).await)
            }
            Ask::Ceded { network, address, range, reply } => {
                later(reply, self.ceded(network, address, range).await)
            }
            Ask::Gone { netns } => {
                self.sweep(&netns).await;
                None
            }
            Ask::Retired { network, range, known } => {
                self.retired(network, range, known).await;
                None
            }
        }
    }
}

/// An answer that waits for the picture that shows what it tells.
type Reply = Option<Box<dyn FnOnce() + Send>>;

fn later<T: Send + 'static>(to: oneshot::Sender<T>, answer: T) -> Reply {
    // The asker may have given up.
    Some(Box::new(move || drop(to.send(answer))))
}
