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

mod sums;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use weft_model::{Endpoint, EndpointId, MacAddr, Name, NetworkId, NodeId};
use weft_whereabouts::{LINGER, Members, Message, Rejected, Whereabouts};

const NETWORKS: u128 = 2;
/// A message in flight.
type Flight = (usize, usize, Message);

#[derive(Clone, Debug)]
enum Step {
    Put { node: usize, network: u128 },
    Rename { node: usize, network: u128, nth: usize },
    Remove { node: usize, network: u128, nth: usize },
    Join { node: usize, network: u128 },
    Leave { node: usize, network: u128 },
    Meet { one: usize, other: usize },
    Hide { node: usize, other: usize },
    Show { node: usize, other: usize },
    Restart { node: usize, keeps_rows: bool },
    Flush { node: usize },
    Deliver { nth: usize },
    Duplicate { nth: usize },
    Lose { nth: usize },
    Wait,
    WaitLong,
}

fn step(nodes: usize) -> impl Strategy<Value = Step> {
    let node = move || 0..nodes;
    let network = || 0..NETWORKS;
    let nth = || 0..1000_usize;
    prop_oneof![
        6 => (node(), network()).prop_map(|(node, network)| Step::Put { node, network }),
        2 => (node(), network(), nth()).prop_map(|(node, network, nth)| Step::Rename { node, network, nth }),
        5 => (node(), network(), nth()).prop_map(|(node, network, nth)| Step::Remove { node, network, nth }),
        3 => (node(), network()).prop_map(|(node, network)| Step::Join { node, network }),
        2 => (node(), network()).prop_map(|(node, network)| Step::Leave { node, network }),
        3 => (node(), node()).prop_map(|(one, other)| Step::Meet { one, other }),
        1 => (node(), node()).prop_map(|(node, other)| Step::Hide { node, other }),
        1 => (node(), node()).prop_map(|(node, other)| Step::Show { node, other }),
        1 => (node(), any::<bool>()).prop_map(|(node, keeps_rows)| Step::Restart { node, keeps_rows }),
        12 => node().prop_map(|node| Step::Flush { node }),
        25 => nth().prop_map(|nth| Step::Deliver { nth }),
        3 => nth().prop_map(|nth| Step::Duplicate { nth }),
        4 => nth().prop_map(|nth| Step::Lose { nth }),
        3 => Just(Step::Wait),
        1 => Just(Step::WaitLong),
    ]
}

/// A cluster, and what is true in it.
struct World {
    now: Instant,
    machines: Vec<Whereabouts>,
    epochs: Vec<u64>,
    /// The owners' own truth.
    rows: Vec<BTreeMap<u128, BTreeMap<EndpointId, Endpoint>>>,
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
    fn new(nodes: usize) -> Self {
        let mut world = Self {
            now: Instant::now(),
            machines: (0..nodes).map(|node| machine(node, 1, node as u64)).collect(),
            epochs: vec![1; nodes],
            rows: vec![BTreeMap::new(); nodes],
            flights: Vec::new(),
            counter: 0,
            removed: BTreeSet::new(),
            shown: vec![BTreeSet::new(); nodes],
            gone: vec![BTreeSet::new(); nodes],
        };
        (0..nodes).for_each(|node| world.introduce(node));
        world
    }

    fn nodes(&self) -> usize {
        self.machines.len()
    }

    fn introduce(&mut self, node: usize) {
        let nodes = (0..self.nodes()).map(id).map(|node| (node, sums::key_of(node))).collect();
        let members = Arc::new(Members { nodes, managers: BTreeSet::from([id(0)]) });
        self.machines[node].set_members(self.now, members);
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
                self.machines[node].leave(self.now, net(network));
                // What this node does not show any more it has not heard the end of.
                self.shown[node].clear();
            }
            Step::Meet { one, other } => {
                self.machines[one].peer_up(id(other));
                self.machines[other].peer_up(id(one));
            }
            Step::Hide { node, other } if node != other => self.machines[node].hide(id(other)),
            Step::Hide { .. } => {}
            Step::Show { node, other } => self.machines[node].show(id(other)),
            Step::Restart { node, keeps_rows } => self.restart(node, keeps_rows),
            Step::Flush { node } => self.flush(node),
            Step::Deliver { nth } => self.with_flight(nth, |world, nth| {
                let flight = world.flights.swap_remove(nth);
                world.deliver(flight);
            }),
            Step::Duplicate { nth } => self.with_flight(nth, |world, nth| {
                let flight = world.flights[nth].clone();
                world.deliver(flight);
            }),
            Step::Lose { nth } => {
                self.with_flight(nth, |world, nth| drop(world.flights.swap_remove(nth)));
            }
            Step::Wait => self.wait(Duration::from_secs(1)),
            Step::WaitLong => {
                // No message is under way for that long, and who leaves for good forgets.
                self.wait(LINGER);
                self.flights.clear();
                self.gone.iter_mut().for_each(BTreeSet::clear);
                self.wait(Duration::from_secs(3));
            }
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
            id: EndpointId::at(id(node), self.counter),
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

    fn restart(&mut self, node: usize, keeps_rows: bool) {
        self.epochs[node] += 1;
        self.counter += 1;
        self.machines[node] = machine(node, self.epochs[node], self.counter);
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
        self.introduce(node);
    }

    fn flush(&mut self, node: usize) {
        while let Some(transmit) = self.machines[node].poll_transmit() {
            let to = (0..self.nodes()).find(|&to| id(to) == transmit.to).unwrap();
            self.flights.push((node, to, transmit.message));
        }
    }

    fn deliver(&mut self, (from, to, message): Flight) {
        match self.machines[to].handle(self.now, id(from), message) {
            Ok(()) | Err(Rejected::OldEpoch { .. }) => {}
            Err(rejected) => panic!("an honest node was rejected: {rejected}"),
        }
    }

    fn wait(&mut self, span: Duration) {
        self.now += span;
        let now = self.now;
        self.machines.iter_mut().for_each(|machine| machine.handle_timeout(now));
    }

    fn check_the_dead(&mut self) {
        for node in 0..self.nodes() {
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

    /// No faults any more: everything arrives, and nodes that were thought dead are known alive.
    fn heal(&mut self) {
        for node in 0..self.nodes() {
            (0..self.nodes()).for_each(|other| self.machines[node].show(id(other)));
        }
        for _ in 0..60 {
            self.wait(Duration::from_secs(1));
            while self.calm_down() {}
            if self.disagreement().is_none() {
                return;
            }
        }
    }

    fn calm_down(&mut self) -> bool {
        let now = self.now + Duration::from_millis(10);
        for machine in &mut self.machines {
            // What is to be passed on, but not yet the next second's comparison.
            if machine.poll_timeout().is_some_and(|due| due <= now) {
                machine.handle_timeout(now);
            }
        }
        (0..self.nodes()).for_each(|node| self.flush(node));
        let flights = std::mem::take(&mut self.flights);
        let any = !flights.is_empty();
        flights.into_iter().for_each(|flight| self.deliver(flight));
        self.check_the_dead();
        any
    }

    fn disagreement(&self) -> Option<String> {
        (0..NETWORKS).find_map(|network| self.disagreement_on(network))
    }

    fn disagreement_on(&self, network: u128) -> Option<String> {
        let participants: BTreeSet<NodeId> =
            (0..self.nodes()).filter(|&n| self.rows[n].contains_key(&network)).map(id).collect();
        let rows =
            |node: usize| self.rows[node].get(&network).into_iter().flat_map(BTreeMap::values);
        let all =
            (0..self.nodes()).flat_map(|node| rows(node).map(move |row| (id(node), row.clone())));
        let mut truth: Vec<(NodeId, Endpoint)> = all.collect();
        truth.sort_by_key(|(owner, endpoint)| (*owner, endpoint.id));
        for (node, machine) in self.machines.iter().enumerate() {
            let takes_part = self.rows[node].contains_key(&network);
            // In a large cluster managers and participants know it, and nobody else need.
            let told = takes_part || node == 0 || self.nodes() <= 16;
            if told && machine.participants(net(network)) != participants {
                let known = machine.participants(net(network));
                return Some(format!("{node}: {known:?} instead of {participants:?}"));
            }
            let mut known: Vec<_> =
                machine.rows(net(network)).map(|row| (row.owner, row.endpoint.clone())).collect();
            known.sort_by_key(|(owner, endpoint)| (*owner, endpoint.id));
            if known != if takes_part { truth.clone() } else { Vec::new() } {
                return Some(format!("{node} on {network}: {known:?} instead of {truth:?}"));
            }
            let heard = |other: &NodeId| machine.heard(net(network), *other);
            if takes_part && !participants.iter().all(heard) {
                return Some(format!("{node} has not heard of all on {network}"));
            }
        }
        None
    }
}

/// A run of a node's.
fn machine(node: usize, epoch: u64, seed: u64) -> Whereabouts {
    Whereabouts::new(id(node), epoch, seed, sums::notary_of(id(node)))
}

fn id(node: usize) -> NodeId {
    NodeId::from_random(u128::try_from(node).unwrap() + 1)
}

fn net(network: u128) -> NetworkId {
    NetworkId::from_random(network + 100)
}

fn converges(nodes: usize, steps: &[Step]) {
    let mut world = World::new(nodes);
    steps.iter().for_each(|step| world.run(step));
    world.heal();
    assert_eq!(world.disagreement(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_any_faults_all_participants_agree_with_the_owners(
        steps in proptest::collection::vec(step(4), 0..250),
    ) {
        converges(4, &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Where changes are passed on, and newcomers ask a directory.
    #[test]
    fn so_do_those_of_a_large_cluster(
        steps in proptest::collection::vec(step(40), 100..400),
    ) {
        converges(40, &steps);
    }
}
