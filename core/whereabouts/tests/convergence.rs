//! Any faults, then none: everybody agrees with the owners, and no row comes back from the dead.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "integration tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use weft_model::{Endpoint, EndpointId, MacAddr, Name, NetworkId, NodeId};
use weft_whereabouts::{Message, Rejected, Whereabouts};

const NODES: usize = 4;
const NETWORKS: u128 = 2;
/// A message in flight: from, to, the connection's number, the message.
type Flight = (usize, usize, u64, Message);

#[derive(Clone, Debug)]
enum Step {
    Put { node: usize, network: u128 },
    Rename { node: usize, network: u128, nth: usize },
    Remove { node: usize, network: u128, nth: usize },
    Join { node: usize, network: u128 },
    Leave { node: usize, network: u128 },
    Connect { one: usize, other: usize },
    Disconnect { one: usize, other: usize },
    Restart { node: usize, keeps_rows: bool },
    Flush { node: usize },
    Deliver { nth: usize },
    Duplicate { nth: usize },
    Lose { nth: usize },
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    let node = || 0..NODES;
    let network = || 0..NETWORKS;
    let nth = || 0..1000_usize;
    prop_oneof![
        6 => (node(), network()).prop_map(|(node, network)| Step::Put { node, network }),
        2 => (node(), network(), nth()).prop_map(|(node, network, nth)| Step::Rename { node, network, nth }),
        5 => (node(), network(), nth()).prop_map(|(node, network, nth)| Step::Remove { node, network, nth }),
        3 => (node(), network()).prop_map(|(node, network)| Step::Join { node, network }),
        2 => (node(), network()).prop_map(|(node, network)| Step::Leave { node, network }),
        4 => (node(), node()).prop_map(|(one, other)| Step::Connect { one, other }),
        2 => (node(), node()).prop_map(|(one, other)| Step::Disconnect { one, other }),
        1 => (node(), any::<bool>()).prop_map(|(node, keeps_rows)| Step::Restart { node, keeps_rows }),
        12 => node().prop_map(|node| Step::Flush { node }),
        25 => nth().prop_map(|nth| Step::Deliver { nth }),
        3 => nth().prop_map(|nth| Step::Duplicate { nth }),
        4 => nth().prop_map(|nth| Step::Lose { nth }),
        3 => Just(Step::Wait),
    ]
}

/// A cluster, and what is true in it.
struct World {
    now: Instant,
    machines: Vec<Whereabouts>,
    epochs: Vec<u64>,
    /// The owners' own truth.
    rows: Vec<BTreeMap<u128, BTreeMap<EndpointId, Endpoint>>>,
    /// The number of the connection between two nodes, while there is one.
    connections: BTreeMap<(usize, usize), u64>,
    flights: Vec<Flight>,
    counter: u64,
    /// Endpoints that their owner ended.
    removed: BTreeSet<EndpointId>,
    /// What a node showed after the step before.
    shown: Vec<BTreeSet<EndpointId>>,
    /// Endpoints that a node has had and whose end it has heard of: they must not come back to it.
    gone: Vec<BTreeSet<EndpointId>>,
}

impl World {
    fn new() -> Self {
        let machines = (0..NODES).map(|node| Whereabouts::new(id(node), 1)).collect();
        Self {
            now: Instant::now(),
            machines,
            epochs: vec![1; NODES],
            rows: vec![BTreeMap::new(); NODES],
            connections: BTreeMap::new(),
            flights: Vec::new(),
            counter: 0,
            removed: BTreeSet::new(),
            shown: vec![BTreeSet::new(); NODES],
            gone: vec![BTreeSet::new(); NODES],
        }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Put { node, network } => self.put(node, network),
            Step::Rename { node, network, nth } => {
                let Some(mut endpoint) = self.pick(node, network, nth) else { return };
                self.counter += 1;
                endpoint.name = Some(Name::label(&format!("n{}", self.counter)).unwrap());
                self.write(node, network, endpoint);
            }
            Step::Remove { node, network, nth } => {
                let Some(endpoint) = self.pick(node, network, nth) else { return };
                self.rows[node].get_mut(&network).unwrap().remove(&endpoint.id);
                self.removed.insert(endpoint.id);
                self.machines[node].remove(net(network), endpoint.id);
            }
            Step::Join { node, network } => {
                self.rows[node].entry(network).or_default();
                self.machines[node].join(net(network));
            }
            Step::Leave { node, network } => {
                let rows = self.rows[node].remove(&network).unwrap_or_default();
                self.removed.extend(rows.into_keys());
                self.machines[node].leave(net(network));
                // What this node dropped by itself it has not heard the end of.
                self.shown[node].clear();
            }
            Step::Connect { one, other } => self.connect(one, other),
            Step::Disconnect { one, other } => self.disconnect(one, other),
            Step::Restart { node, keeps_rows } => self.restart(node, keeps_rows),
            Step::Flush { node } => self.flush(node),
            Step::Deliver { nth } => self.with_flight(nth, |world, nth| {
                let flight = world.flights.remove(nth);
                world.deliver(flight);
            }),
            Step::Duplicate { nth } => self.with_flight(nth, |world, nth| {
                let flight = world.flights[nth].clone();
                world.deliver(flight);
            }),
            Step::Lose { nth } => {
                self.with_flight(nth, |world, nth| drop(world.flights.remove(nth)));
            }
            Step::Wait => self.wait(),
        }
        self.check_the_dead();
    }

    fn with_flight(&mut self, nth: usize, act: impl FnOnce(&mut Self, usize)) {
        if !self.flights.is_empty() {
            act(self, nth % self.flights.len());
        }
    }

    fn put(&mut self, node: usize, network: u128) {
        self.counter += 1;
        let [.., a, b, c] = self.counter.to_be_bytes();
        let endpoint = Endpoint {
            id: EndpointId::from_random(self.counter.into()),
            mac: MacAddr::from_random([2, 0, 0, a, b, c]),
            addresses: vec![[10, a, b, c].into()],
            name: None,
            aliases: BTreeSet::new(),
        };
        self.write(node, network, endpoint);
    }

    fn write(&mut self, node: usize, network: u128, endpoint: Endpoint) {
        self.rows[node].entry(network).or_default().insert(endpoint.id, endpoint.clone());
        self.machines[node].put(net(network), endpoint);
    }

    fn pick(&self, node: usize, network: u128, nth: usize) -> Option<Endpoint> {
        let rows = self.rows[node].get(&network).filter(|rows| !rows.is_empty())?;
        rows.values().nth(nth % rows.len()).cloned()
    }

    fn connect(&mut self, one: usize, other: usize) {
        let pair = (one.min(other), one.max(other));
        if one == other || self.connections.contains_key(&pair) {
            return;
        }
        self.counter += 1;
        self.connections.insert(pair, self.counter);
        self.machines[one].peer_up(self.now, id(other));
        self.machines[other].peer_up(self.now, id(one));
    }

    fn disconnect(&mut self, one: usize, other: usize) {
        if self.connections.remove(&(one.min(other), one.max(other))).is_some() {
            self.machines[one].peer_down(id(other));
            self.machines[other].peer_down(id(one));
        }
    }

    fn restart(&mut self, node: usize, keeps_rows: bool) {
        (0..NODES).for_each(|other| self.disconnect(node, other));
        self.epochs[node] += 1;
        self.machines[node] = Whereabouts::new(id(node), self.epochs[node]);
        self.gone[node].clear();
        self.shown[node].clear();
        if !keeps_rows {
            let rows = std::mem::take(&mut self.rows[node]);
            self.removed.extend(rows.into_values().flat_map(BTreeMap::into_keys));
        }
        for (&network, rows) in &self.rows[node] {
            self.machines[node].join(net(network));
            for endpoint in rows.values() {
                self.machines[node].put(net(network), endpoint.clone());
            }
        }
    }

    fn flush(&mut self, node: usize) {
        while let Some(transmit) = self.machines[node].poll_transmit() {
            let to = (0..NODES).find(|&to| id(to) == transmit.to).unwrap();
            let connection = self.connections[&(node.min(to), node.max(to))];
            self.flights.push((node, to, connection, transmit.message));
        }
    }

    /// What was sent over an earlier connection does not arrive over a later one.
    fn deliver(&mut self, (from, to, connection, message): Flight) {
        let present = self.connections.get(&(from.min(to), from.max(to)));
        if present == Some(&connection) {
            match self.machines[to].handle(self.now, id(from), message) {
                Ok(()) | Err(Rejected::OldEpoch { .. }) => {}
                Err(rejected) => panic!("an honest node was rejected: {rejected}"),
            }
        }
    }

    fn wait(&mut self) {
        self.now += Duration::from_secs(1);
        let now = self.now;
        self.machines.iter_mut().for_each(|machine| machine.handle_timeout(now));
    }

    fn check_the_dead(&mut self) {
        for node in 0..NODES {
            let machine = &self.machines[node];
            let shown: BTreeSet<EndpointId> = (0..NETWORKS)
                .flat_map(|network| machine.rows(net(network)).map(|row| row.endpoint.id))
                .collect();
            let back: Vec<_> = self.gone[node].intersection(&shown).collect();
            assert!(back.is_empty(), "removed rows came back to node {node}: {back:?}");
            let ended: BTreeSet<_> = self.shown[node].difference(&shown).copied().collect();
            let alive: Vec<_> = ended.difference(&self.removed).collect();
            assert!(
                alive.is_empty(),
                "node {node} dropped rows without their owner's word: {alive:?}"
            );
            self.gone[node].extend(ended);
            self.shown[node] = shown;
        }
    }

    /// No faults any more: everything is connected and arrives, in order.
    fn heal(&mut self) {
        for one in 0..NODES {
            for other in 0..one {
                self.connect(one, other);
            }
        }
        for _ in 0..4 {
            self.wait();
            while self.calm_down() {}
        }
    }

    fn calm_down(&mut self) -> bool {
        (0..NODES).for_each(|node| self.flush(node));
        let flights = std::mem::take(&mut self.flights);
        let any = !flights.is_empty();
        flights.into_iter().for_each(|flight| self.deliver(flight));
        self.check_the_dead();
        any
    }

    fn check_agreement(&self) {
        for network in 0..NETWORKS {
            let participants: BTreeSet<NodeId> =
                (0..NODES).filter(|&n| self.rows[n].contains_key(&network)).map(id).collect();
            let mut truth: Vec<(NodeId, Endpoint)> = Vec::new();
            for node in 0..NODES {
                let rows = self.rows[node].get(&network);
                truth.extend(
                    rows.into_iter().flat_map(BTreeMap::values).map(|e| (id(node), e.clone())),
                );
            }
            truth.sort_by_key(|(owner, endpoint)| (*owner, endpoint.id));
            for (node, machine) in self.machines.iter().enumerate() {
                assert_eq!(
                    machine.participants(net(network)),
                    participants,
                    "as node {node} sees it"
                );
                let mut known: Vec<_> = machine
                    .rows(net(network))
                    .map(|row| (row.owner, row.endpoint.clone()))
                    .collect();
                known.sort_by_key(|(owner, endpoint)| (*owner, endpoint.id));
                let takes_part = self.rows[node].contains_key(&network);
                let expected = if takes_part { truth.clone() } else { Vec::new() };
                assert_eq!(known, expected, "as node {node} sees network {network}");
                let others = (0..NODES).filter(|_| takes_part);
                others.for_each(|other| assert!(machine.heard(net(network), id(other))));
            }
        }
    }
}

fn id(node: usize) -> NodeId {
    NodeId::from_random(u128::try_from(node).unwrap() + 1)
}

fn net(network: u128) -> NetworkId {
    NetworkId::from_random(network + 100)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_any_faults_all_participants_agree_with_the_owners(
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.run(step));
        world.heal();
        world.check_agreement();
    }
}
