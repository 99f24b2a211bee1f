//! Connections of a small cluster: how they come and how they go.

use std::time::Duration;

use rand::RngExt as _;

use super::{Event, World};
use crate::link::{AT_ONCE, FIRST_RETRANSMIT, HANDSHAKE, IDLE, Link, REDIAL, pair};
use crate::node::{Agent, Node};

impl World {
    /// Whether every host knows that every other one is alive, and can talk to it.
    pub(crate) fn is_calm(&self) -> bool {
        let others = self.nodes.len().saturating_sub(1);
        let calm = |agent: &Agent| {
            agent.membership.is_calm() && (!self.is_mesh() || agent.connected.len() == others)
        };
        self.nodes.iter().all(|node| node.agent.as_ref().is_some_and(calm))
    }

    /// A host looks for every other one.
    pub(crate) fn dial_all(&mut self, at: usize) {
        if self.is_mesh() {
            for other in (0..self.nodes.len()).filter(|other| *other != at) {
                self.dial_later(pair(at, other), Duration::ZERO);
            }
        }
    }

    fn dial_later(&mut self, pair: (usize, usize), pause: Duration) {
        if self.dialing.insert(pair) {
            let wait = Duration::from_micros(self.dice.random_range(0..50_000));
            self.put(pause + wait, Event::Dial { pair });
        }
    }

    /// Three packets make a connection; without them the same is tried a little later.
    pub(super) fn dial(&mut self, pair: (usize, usize)) {
        self.dialing.remove(&pair);
        if self.links.contains_key(&pair) {
            return;
        }
        match self.handshake(pair) {
            Some(wait) => {
                self.dialing.insert(pair);
                self.put(wait, Event::Connect { pair });
            }
            None => self.dial_later(pair, HANDSHAKE + REDIAL),
        }
    }

    /// How long it takes; absent: it is given up.
    fn handshake(&mut self, (low, high): (usize, usize)) -> Option<Duration> {
        let mut wait = Duration::ZERO;
        for (from, to) in [(low, high), (high, low), (low, high)] {
            let mut pause = FIRST_RETRANSMIT;
            let latency = loop {
                if let Some(latency) = self.underlay.carry(from, to, &mut self.dice) {
                    break latency;
                }
                wait += pause;
                pause *= 2;
                if wait > HANDSHAKE {
                    return None;
                }
            };
            wait += latency;
        }
        (self.both_run((low, high)) && wait <= HANDSHAKE).then_some(wait)
    }

    fn both_run(&self, (low, high): (usize, usize)) -> bool {
        [low, high].into_iter().all(|at| self.nodes.get(at).is_some_and(Node::runs))
    }

    /// A handshake ends, unless something came in between.
    pub(super) fn connect(&mut self, pair: (usize, usize)) {
        self.dialing.remove(&pair);
        let (low, high) = pair;
        let open = self.underlay.is_open(low, high) && self.underlay.is_open(high, low);
        if !(open && self.both_run(pair)) {
            return self.dial_later(pair, REDIAL);
        }
        let number = self.fresh();
        self.links.insert(pair, Link { number, broken: None });
        self.take_up(low, high, number);
        self.take_up(high, low, number);
        self.pump(low);
        self.pump(high);
    }

    fn take_up(&mut self, at: usize, other: usize, number: u64) {
        let Some(peer) = self.nodes.get(other).map(|node| node.id) else { return };
        let now = self.now;
        let Some(node) = self.nodes.get_mut(at) else { return };
        let instant = node.now(now);
        if let Some(agent) = &mut node.agent {
            agent.connected.insert(other, number);
            agent.membership.connected(instant, peer);
            agent.whereabouts.peer_up(peer);
        }
    }

    /// Marks connections over which nothing passes, and those over which it does again.
    pub(super) fn review(&mut self) {
        let mut broken = Vec::new();
        for (&(low, high), link) in &mut self.links {
            let runs = [low, high].into_iter().all(|at| self.nodes.get(at).is_some_and(Node::runs));
            let open = self.underlay.is_open(low, high) && self.underlay.is_open(high, low);
            match (runs && open, link.broken) {
                (true, _) => link.broken = None,
                (false, None) => {
                    link.broken = Some(self.now);
                    broken.push(((low, high), link.number));
                }
                (false, Some(_)) => {}
            }
        }
        for (pair, number) in broken {
            let wait = IDLE + Duration::from_millis(self.dice.random_range(1..250));
            self.put(wait, Event::Idle { pair, number });
        }
    }

    pub(super) fn idle(&mut self, pair: (usize, usize), number: u64) {
        let now = self.now;
        let long = self.links.get(&pair).is_some_and(|link| {
            let since = link.broken.map(|since| now.since(since));
            link.number == number && since.is_some_and(|silent| silent >= IDLE)
        });
        if long {
            self.drop_link(pair);
        }
    }

    /// Both sides find out, unless they stand still: those find out when they go on.
    pub(super) fn drop_link(&mut self, (low, high): (usize, usize)) {
        self.links.remove(&(low, high));
        for (at, other) in [(low, high), (high, low)] {
            if self.nodes.get(at).is_some_and(Node::runs) {
                self.lose(at, other);
                self.pump(at);
            }
        }
        self.dial_later((low, high), AT_ONCE);
    }

    /// One side takes note that a connection is gone.
    fn lose(&mut self, at: usize, other: usize) {
        let Some(peer) = self.nodes.get(other).map(|node| node.id) else { return };
        let now = self.now;
        let Some(node) = self.nodes.get_mut(at) else { return };
        let instant = node.now(now);
        let Some(agent) = &mut node.agent else { return };
        if agent.connected.remove(&other).is_some() {
            agent.membership.disconnected(instant, peer);
        }
    }

    /// After a pause: which of the connections that it believes in are gone?
    pub(super) fn lose_stale(&mut self, at: usize) {
        let Some(agent) = self.nodes.get(at).and_then(|node| node.agent.as_ref()) else { return };
        let stale = |(other, number): (&usize, &u64)| {
            let current = self.links.get(&pair(at, *other)).map(|link| link.number);
            (current != Some(*number)).then_some(*other)
        };
        let stale: Vec<usize> = agent.connected.iter().filter_map(stale).collect();
        stale.into_iter().for_each(|other| self.lose(at, other));
    }

    /// A host's connections end at once: it was restarted, and says so to whoever sends to it.
    pub(super) fn reset(&mut self, at: usize) {
        let of_it = |&(low, high): &(usize, usize)| low == at || high == at;
        let pairs: Vec<_> = self.links.keys().copied().filter(of_it).collect();
        pairs.into_iter().for_each(|pair| self.drop_link(pair));
    }
}
