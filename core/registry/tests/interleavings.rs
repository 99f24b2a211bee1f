//! Nodes decide from old views, in any order; what is committed never contradicts itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ipnet::IpNet;
use proptest::prelude::*;
use weft_model::{Name, NetworkId, Node, NodeId, PublicKey, Role, Vtep};
use weft_registry::{
    Change, Cluster, Command, Committed, Condition, Decision, Entry, Key, NetworkRequest, Op,
    Outcome, Situation, Snapshot, Txn, View, Want, decide,
};

const NODES: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    /// A node decides from what it knows; the transaction is on its way.
    Decide { node: usize, wish: Wish, random: u8 },
    /// One of the transactions arrives.
    Commit { which: usize },
    /// A node learns of some more changes, perhaps of a part of a commit.
    Learn { node: usize, changes: usize },
    /// A node starts anew from a snapshot.
    Reread { node: usize },
}

#[derive(Clone, Copy, Debug)]
enum Wish {
    Create { id: u8, name: Option<u8>, subnet: Option<u8> },
    Name { id: u8, name: u8 },
    Remove { id: u8 },
    Claim { id: u8 },
    ClaimHolding { id: u8, host: u8 },
    Release { id: u8 },
    Cede { id: u8, nth: u8, to: usize },
    RemoveNode { node: usize },
    Put { node: usize, name: u8, manager: bool },
}

fn wish() -> impl Strategy<Value = Wish> {
    let (id, name, node) = (0..6_u8, 0..4_u8, 0..NODES);
    prop_oneof![
        4 => (id.clone(), prop::option::of(name.clone()), prop::option::of(0..8_u8))
            .prop_map(|(id, name, subnet)| Wish::Create { id, name, subnet }),
        2 => (id.clone(), name.clone()).prop_map(|(id, name)| Wish::Name { id, name }),
        1 => id.clone().prop_map(|id| Wish::Remove { id }),
        4 => id.clone().prop_map(|id| Wish::Claim { id }),
        3 => (id.clone(), 0..32_u8).prop_map(|(id, host)| Wish::ClaimHolding { id, host }),
        1 => id.clone().prop_map(|id| Wish::Release { id }),
        2 => (id, 0..8_u8, node.clone()).prop_map(|(id, nth, to)| Wish::Cede { id, nth, to }),
        1 => node.clone().prop_map(|node| Wish::RemoveNode { node }),
        2 => (node, name, any::<bool>())
            .prop_map(|(node, name, manager)| Wish::Put { node, name, manager }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..NODES, wish(), 0..3_u8)
            .prop_map(|(node, wish, random)| Step::Decide { node, wish, random }),
        4 => any::<usize>().prop_map(|which| Step::Commit { which }),
        3 => (0..NODES, 1..6_usize).prop_map(|(node, changes)| Step::Learn { node, changes }),
        1 => (0..NODES).prop_map(|node| Step::Reread { node }),
    ]
}

/// A store, and what each node has learnt of it.
struct World {
    entries: BTreeMap<String, Entry>,
    revision: u64,
    log: Vec<Change>,
    views: Vec<(View, usize)>,
    under_way: Vec<Decision>,
    generations: BTreeSet<(NetworkId, u64)>,
    committed: usize,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            entries: BTreeMap::new(),
            revision: 0,
            log: Vec::new(),
            views: (0..NODES).map(|_| (View::default(), 0)).collect(),
            under_way: Vec::new(),
            generations: BTreeSet::new(),
            committed: 0,
        };
        world.at_once(0, &found());
        for id in 1..NODES {
            let role = if id == 1 { Role::Manager } else { Role::Worker };
            world.at_once(0, &Command::PutNode(node(id, &format!("node{id}"), role)));
        }
        (0..NODES).for_each(|node| world.learn(node, usize::MAX));
        world
    }

    fn at_once(&mut self, by: usize, command: &Command) {
        self.learn(by, usize::MAX);
        let decision = self.decide(by, command, 0).expect("the first commands are fine");
        assert_ne!(self.commit(&decision.txn), Committed::Conflict);
    }

    fn decide(&self, by: usize, command: &Command, random: u8) -> Option<Decision> {
        let (in_use, resting) = (BTreeMap::new(), BTreeSet::new());
        let situation = Situation {
            view: &self.views[by].0,
            by: node_id(by),
            in_use: &in_use,
            resting: &resting,
        };
        decide(&situation, command, &mut || u128::from(random) << 96).ok()
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Decide { node, wish, random } => {
                let command = command(*wish, &self.views[*node].0, node_id(*node));
                let decision = command.and_then(|command| self.decide(*node, &command, *random));
                self.under_way.extend(decision);
            }
            Step::Commit { which } => {
                if !self.under_way.is_empty() {
                    let decision = self.under_way.swap_remove(which % self.under_way.len());
                    self.commit_and_check(&decision);
                }
            }
            Step::Learn { node, changes } => self.learn(*node, *changes),
            Step::Reread { node } => {
                self.views[*node] =
                    (View::from_snapshot(&self.snapshot()).unwrap(), self.log.len());
            }
        }
    }

    fn commit_and_check(&mut self, decision: &Decision) {
        let changes = !decision.txn.ops.is_empty();
        if self.commit(&decision.txn) == Committed::Conflict || !changes {
            return;
        }
        self.committed += 1;
        if let Outcome::Block(block) = &decision.outcome {
            let fresh = self.generations.insert((block.network, block.generation));
            assert!(fresh, "a generation is given twice: {block:?}");
        }
        check(&View::from_snapshot(&self.snapshot()).unwrap(), &self.entries);
    }

    fn commit(&mut self, txn: &Txn) -> Committed {
        let holds = |condition: &Condition| match condition {
            Condition::Absent(key) => !self.entries.contains_key(key),
            Condition::Present(key) => self.entries.contains_key(key),
            Condition::Unchanged { key, modified } => {
                self.entries.get(key).is_some_and(|entry| entry.modified == *modified)
            }
        };
        if !txn.conditions.iter().all(holds) {
            return Committed::Conflict;
        }
        if txn.ops.is_empty() {
            return Committed::Applied(self.revision);
        }
        self.revision += 1;
        let revision = self.revision;
        for op in txn.ops.clone() {
            let (key, value) = match op {
                Op::Put { key, value, .. } => (key, Some(value)),
                Op::Delete { key } => (key, None),
            };
            match value.clone() {
                Some(value) => {
                    let entry = Entry { key: key.clone(), value, modified: revision };
                    self.entries.insert(key.clone(), entry)
                }
                None => self.entries.remove(&key),
            };
            self.log.push(Change { revision, key, value });
        }
        Committed::Applied(revision)
    }

    fn learn(&mut self, node: usize, changes: usize) {
        let (view, seen) = &mut self.views[node];
        for change in self.log.iter().skip(*seen).take(changes) {
            view.apply(change).unwrap();
            *seen += 1;
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot { revision: self.revision, entries: self.entries.values().cloned().collect() }
    }
}

fn check(view: &View, entries: &BTreeMap<String, Entry>) {
    let networks: Vec<_> = view.networks().values().collect();
    let subnets: Vec<IpNet> =
        networks.iter().flat_map(|network| network.subnets.iter().map(|s| s.range)).collect();
    disjoint(&subnets);
    for network in &networks {
        assert_eq!(view.network_of(network.vni).map(|n| n.id), Some(network.id), "VNI");
        if let Some(name) = &network.name {
            assert_eq!(view.network_named(name).map(|n| n.id), Some(network.id), "name");
        }
        disjoint(&view.blocks(network.id).map(|block| block.range).collect::<Vec<_>>());
    }
    for block in view.all_blocks() {
        let network = view.network(block.network).expect("a block has its network");
        assert!(network.subnets.iter().any(|subnet| subnet.range.contains(&block.range)));
        assert!(view.node(block.owner).is_some(), "a block has its owner");
    }
    for node in view.nodes().values() {
        assert_eq!(view.node_named(&node.name).map(|n| n.id), Some(node.id), "node name");
    }
    assert!(view.nodes().values().any(|node| node.role == Role::Manager), "a manager is left");
    no_orphans(view, entries);
}

fn no_orphans(view: &View, entries: &BTreeMap<String, Entry>) {
    for key in entries.keys().map(|key| Key::parse(key).unwrap().unwrap()) {
        let known = match &key {
            Key::NodeName(name) => view.node_named(name).is_some_and(|node| node.name == *name),
            Key::NetworkName(name) => {
                view.network_named(name).is_some_and(|network| network.name.as_ref() == Some(name))
            }
            Key::Vni(vni) => view.network_of(*vni).is_some_and(|network| network.vni == *vni),
            // The counter of a network that is gone stays, so that its id is never used again.
            _others => true,
        };
        assert!(known, "{key} is left over");
    }
}

fn disjoint(ranges: &[IpNet]) {
    for (n, a) in ranges.iter().enumerate() {
        for b in &ranges[n + 1..] {
            assert!(!a.contains(b) && !b.contains(a), "{a} overlaps {b}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_committed_never_contradicts_itself(steps in prop::collection::vec(step(), 1..200)) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step));
        for node in 0..NODES {
            world.learn(node, usize::MAX);
            let view = &world.views[node].0;
            prop_assert!(*view == View::from_snapshot(&world.snapshot()).unwrap());
            prop_assert!(view.to_snapshot() == world.snapshot());
        }
    }
}

#[test]
fn of_two_decisions_made_at_once_one_conflicts() {
    let pairs = [
        [
            Wish::Create { id: 2, name: None, subnet: None },
            Wish::Create { id: 3, name: None, subnet: None },
        ],
        [Wish::Claim { id: 1 }, Wish::Claim { id: 1 }],
        [Wish::Claim { id: 1 }, Wish::Remove { id: 1 }],
        [Wish::Claim { id: 1 }, Wish::RemoveNode { node: 2 }],
        [Wish::Name { id: 1, name: 1 }, Wish::Remove { id: 1 }],
        [Wish::Name { id: 1, name: 1 }, Wish::Create { id: 2, name: Some(1), subnet: None }],
        [Wish::RemoveNode { node: 0 }, Wish::RemoveNode { node: 1 }],
    ];
    for pair in pairs {
        for order in [[0, 1], [1, 0]] {
            let mut world = World::new();
            let create = Wish::Create { id: 1, name: None, subnet: Some(7) };
            world.at_once(0, &command(create, &View::default(), node_id(0)).unwrap());
            (0..NODES).for_each(|node| world.learn(node, usize::MAX));
            let decisions = [(2, pair[0]), (1, pair[1])].map(|(by, wish)| {
                let by = if let Wish::RemoveNode { node } = pair[0] { node } else { by };
                let by = if matches!(wish, Wish::RemoveNode { .. }) { by.min(1) } else { by };
                let command = command(wish, &world.views[by].0, node_id(by)).unwrap();
                world.decide(by, &command, 0).unwrap()
            });
            assert_ne!(world.commit(&decisions[order[0]].txn), Committed::Conflict, "{pair:?}");
            assert_eq!(world.commit(&decisions[order[1]].txn), Committed::Conflict, "{pair:?}");
        }
    }
}

fn command(wish: Wish, view: &View, by: NodeId) -> Option<Command> {
    let network = |id: u8| NetworkId::from_random(id.into());
    Some(match wish {
        Wish::Create { id, name, subnet } => Command::CreateNetwork(NetworkRequest {
            name: name.map(network_name),
            subnet: subnet.map(|n| IpNet::new([10, 64, n / 4, n % 4 * 64].into(), 26).unwrap()),
            ..NetworkRequest::new(network(id))
        }),
        Wish::Name { id, name } => Command::NameNetwork {
            id: network(id),
            name: network_name(name),
            labels: BTreeMap::new(),
        },
        Wish::Remove { id } => Command::RemoveNetwork { id: network(id) },
        Wish::Claim { id } => {
            Command::ClaimBlock { network: network(id), want: Want::Next, known: None }
        }
        Wish::ClaimHolding { id, host } => {
            let subnet = view.network(network(id))?.subnets.first()?.range;
            let address = subnet.hosts().nth(host.into())?;
            Command::ClaimBlock { network: network(id), want: Want::Holding(address), known: None }
        }
        Wish::Release { id } => {
            let range = view.blocks_of(network(id), by).next()?.range;
            Command::ReleaseBlock { network: network(id), range }
        }
        Wish::Cede { id, nth, to } => {
            let range = view.blocks_of(network(id), by).nth(usize::from(nth) / 2)?.range;
            let address = range.hosts().nth(usize::from(nth))?;
            Command::CedeAddress { network: network(id), address, to: node_id(to) }
        }
        Wish::RemoveNode { node } => Command::RemoveNode { id: node_id(node), force: false },
        Wish::Put { node: id, name, manager } => {
            let role = if manager { Role::Manager } else { Role::Worker };
            Command::PutNode(node(id, &format!("node{name}"), role))
        }
    })
}

fn found() -> Command {
    let cluster = Cluster {
        id: "c1".into(),
        name: "east".parse().unwrap(),
        vxlan_port: 4789,
        pools: vec!["10.64.0.0/22".parse().unwrap()],
        subnet_prefix: 26,
        address_rest: Duration::from_secs(60),
        certificate_life: weft_registry::CERTIFICATE_LIFE,
        ca_pem: String::new(),
        ca_generation: 0,
        former_ca_pem: None,
        keeping: weft_registry::Keeping::Managers,
    };
    Command::Found { cluster, node: node(0, "node0", Role::Manager), tokens: Vec::new() }
}

fn node(id: usize, name: &str, role: Role) -> Node {
    Node {
        id: node_id(id),
        key: PublicKey::from_point([[1; 32]; 2]),
        name: name.parse().unwrap(),
        role,
        vtep: Vtep([192, 0, 2, 1].into()),
        control: "192.0.2.1:4790".parse().unwrap(),
    }
}

fn node_id(id: usize) -> NodeId {
    NodeId::from_random(u128::try_from(id).unwrap())
}

fn network_name(name: u8) -> Name {
    format!("net{name}").parse().unwrap()
}
