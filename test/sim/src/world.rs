//! All hosts, all wires, and the one loop that makes things happen.

mod harm;
mod lease;
mod link;
mod packet;
mod registry;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use weft_membership::Carrier;
use weft_model::{NetworkId, NodeId};
use weft_registry::Block;
use weft_whereabouts::Transmit;

use crate::heap::Heap;
use crate::ledger::Ledger;
use crate::link::Link;
use crate::load::Load;
use crate::node::{Node, Registry};
use crate::scenario::{STRICT, Scenario};
use crate::time::{HostClock, SimTime};
use crate::underlay::Underlay;
use crate::watch::Watch;
use lease::Claim;
use packet::Packet;

/// The most that a host's clock is fast or slow, in parts per million: a bad one.
const DRIFT: i64 = 500;
/// So many hosts are managers: the first ones.
pub(crate) const MANAGERS: usize = 3;

/// Everything there is.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: SimTime,
    pub(crate) dice: Pcg64Mcg,
    pub(crate) nodes: Vec<Node>,
    pub(crate) networks: Vec<NetworkId>,
    pub(crate) underlay: Underlay,
    pub(crate) watch: Watch,
    pub(crate) registry: Registry,
    /// Who may lease which addresses; with many hosts workloads are numbered instead.
    pub(crate) ledger: Option<Ledger>,
    /// Up to so many hosts every two are connected.
    pub(crate) mesh: usize,
    places: BTreeMap<NodeId, usize>,
    links: BTreeMap<(usize, usize), Link>,
    dialing: BTreeSet<(usize, usize)>,
    heap: Heap<Event>,
    /// Hands out numbers that never come twice: of connections, endpoints, identities.
    count: u64,
}

/// What can happen.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A machine asked to be woken.
    Timer { node: usize, number: u64 },
    /// The lower of two hosts tries to connect.
    Dial { pair: (usize, usize) },
    /// The last packet of a handshake comes.
    Connect { pair: (usize, usize) },
    /// A packet is sent again.
    Again { packet: Box<Packet> },
    /// A packet arrives.
    Arrive(Box<Packet>),
    /// A connection has been silent for long.
    Idle { pair: (usize, usize), number: u64 },
    /// A manager is asked for a block.
    Claim { claim: Claim },
    /// A host may have waited for a block in vain.
    AskAgain { claim: Claim },
    /// A host is told that it has a block.
    Granted { claim: Claim, block: Block },
    /// A host goes on that was paused.
    Resume { node: usize },
    /// A host's agent starts.
    Start { node: usize },
    /// All wires are whole again.
    Heal,
}

impl World {
    /// Hosts that have never run.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let Scenario { seed, nodes, networks, loss, mesh, .. } = *scenario;
        let mut dice = Pcg64Mcg::seed_from_u64(seed);
        let origin = Instant::now();
        let mut world = Self {
            now: SimTime::default(),
            nodes: Vec::with_capacity(nodes),
            networks: (1..=networks).map(|n| NetworkId::from_random(n as u128)).collect(),
            underlay: Underlay::new(loss),
            watch: Watch::default(),
            registry: Registry::default(),
            ledger: None,
            mesh,
            places: BTreeMap::new(),
            links: BTreeMap::new(),
            dialing: BTreeSet::new(),
            heap: Heap::new(),
            count: 0,
            dice: dice.clone(),
        };
        for _ in 0..nodes {
            let clock = HostClock::new(origin, dice.random_range(-DRIFT..=DRIFT));
            let id = world.fresh_id();
            world.places.insert(id, world.nodes.len());
            world.nodes.push(Node::new(id, clock));
        }
        world.dice = dice;
        world.register();
        let hosts = world.nodes.iter().map(|node| node.id);
        world.ledger = (nodes <= STRICT).then(|| Ledger::new(&world.networks, hosts));
        world
    }

    /// A number that was not there before.
    pub(crate) const fn fresh(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// A lot.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.dice.random_range(0..end.max(1))
    }

    fn fresh_id(&mut self) -> NodeId {
        NodeId::from_random(self.fresh().into())
    }

    /// Whether every two hosts are connected, as far as they can be.
    pub(crate) const fn is_mesh(&self) -> bool {
        self.nodes.len() <= self.mesh
    }

    pub(crate) fn put(&mut self, delay: Duration, event: Event) {
        self.heap.put(self.now.after(delay), event);
    }

    /// Lets time pass.
    pub(crate) fn run_for(&mut self, span: Duration) {
        let until = self.now.after(span);
        while let Some((at, event)) = self.heap.take(until) {
            self.now = at;
            self.happen(event);
        }
        self.now = until;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Timer { node, number } => self.ring(node, number),
            Event::Dial { pair } => self.dial(pair),
            Event::Connect { pair } => self.connect(pair),
            Event::Again { packet } => self.transmit(packet),
            Event::Arrive(packet) => self.arrive(packet),
            Event::Idle { pair, number } => self.idle(pair, number),
            Event::Claim { claim } => self.claim(claim),
            Event::AskAgain { claim } => self.ask_again(claim),
            Event::Granted { claim, block } => self.granted(claim, block),
            Event::Resume { node } => self.resume(node),
            Event::Start { node } => self.start(node),
            Event::Heal => self.heal(),
        }
    }

    fn ring(&mut self, at: usize, number: u64) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(at).filter(|node| node.runs()) else { return };
        if node.timer.1 != number {
            return;
        }
        node.timer.0 = SimTime(u64::MAX);
        let instant = node.now(now);
        if let Some(agent) = &mut node.agent {
            agent.membership.handle_timeout(instant);
            agent.whereabouts.handle_timeout(instant);
        }
        self.pump(at);
    }

    /// Carries out what a host's machines want, as `app/agent`'s state does after each event.
    pub(crate) fn pump(&mut self, at: usize) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(at).filter(|node| node.runs()) else { return };
        let Some(agent) = &mut node.agent else { return };
        while let Some(event) = agent.membership.poll_event() {
            self.watch.told(now, at, event);
            match event {
                weft_membership::Event::Down(peer) | weft_membership::Event::Indirect(peer) => {
                    agent.whereabouts.hide(peer);
                }
                weft_membership::Event::Up(peer) => agent.whereabouts.show(peer),
            }
        }
        while let Some(event) = agent.whereabouts.poll_event() {
            self.watch.look(at, &agent.whereabouts, event);
        }
        let mut sent: Vec<(NodeId, Load)> = Vec::new();
        while let Some(one) = agent.membership.poll_transmit() {
            sent.push(match one.by {
                Carrier::Datagram => (one.to, Load::Swim(one.bytes)),
                Carrier::Stream => (one.to, Load::Roster(one.bytes)),
            });
        }
        while let Some(Transmit { to, message }) = agent.whereabouts.poll_transmit() {
            match sent.last_mut() {
                Some((last, Load::Rows(messages))) if *last == to => messages.push(message),
                _ => sent.push((to, Load::Rows(vec![message]))),
            }
        }
        for (to, load) in sent {
            self.send(at, to, load);
        }
        self.set_timer(at);
    }

    /// An alarm that rings too early is set again then; one that is early enough is left alone.
    fn set_timer(&mut self, at: usize) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(at) else { return };
        let Some(agent) = &node.agent else { return };
        let timers = [agent.whereabouts.poll_timeout(), agent.membership.poll_timeout()];
        let Some(due) = timers.into_iter().flatten().min() else { return };
        let due = node.clock.when(due).max(now);
        if due >= node.timer.0 {
            return;
        }
        node.timer = (due, node.timer.1 + 1);
        let number = node.timer.1;
        self.heap.put(due, Event::Timer { node: at, number });
    }
}
