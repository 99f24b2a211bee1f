//! Members that alter, invent and withhold what others say: never believed, always told of, and
//! everybody else agrees with the owners all the same, be those up or down.
#![allow(
    clippy::unwrap_used,
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

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use weft_model::{Endpoint, EndpointId, MacAddr, NetworkId, NodeId};
use weft_whereabouts::{Head, Members, Message, Presence, Rejected, RowChange, Seal, Whereabouts};

const NET: NetworkId = NetworkId::from_random(7);

type Rows = BTreeMap<EndpointId, Endpoint>;

/// A cluster on one network. The first ones are liars, the last ones are down after a while.
struct World {
    now: Instant,
    dice: Pcg64Mcg,
    machines: Vec<Whereabouts>,
    liars: usize,
    /// From this one on they are down.
    down: usize,
    /// What each has.
    rows: Vec<Rows>,
    /// All that any of them ever had.
    ever: BTreeMap<EndpointId, (NodeId, Vec<Endpoint>)>,
    told: BTreeSet<NodeId>,
    lies: usize,
    counter: u64,
}

impl World {
    fn new(nodes: usize, liars: usize, seed: u64) -> Self {
        let run = |node| machine(node, 1, seed + node as u64);
        let mut world = Self {
            now: Instant::now(),
            dice: Pcg64Mcg::seed_from_u64(seed),
            machines: (0..nodes).map(run).collect(),
            liars,
            down: nodes,
            rows: vec![Rows::new(); nodes],
            ever: BTreeMap::new(),
            told: BTreeSet::new(),
            lies: 0,
            counter: 0,
        };
        for machine in &mut world.machines {
            machine.set_members(world.now, members(nodes));
            machine.join(NET);
        }
        world
    }

    /// The agent of one that is up starts anew, with what its disk holds.
    fn restart(&mut self, node: usize) {
        let mut fresh = machine(node, 2, self.counter);
        fresh.join(NET);
        self.rows[node].values().for_each(|row| fresh.put(NET, row.clone()));
        fresh.set_members(self.now, members(self.machines.len()));
        (self.down..self.machines.len()).for_each(|lost| fresh.hide(id(lost)));
        self.machines[node] = fresh;
        for other in (0..self.down).filter(|other| *other != node) {
            self.machines[node].peer_up(id(other));
            self.machines[other].peer_up(id(node));
        }
    }

    fn run_for(&mut self, seconds: u32) {
        for _ in 0..seconds * 50 {
            self.now += Duration::from_millis(20);
            let (now, down) = (self.now, self.down);
            self.machines[..down].iter_mut().for_each(|machine| machine.handle_timeout(now));
            while self.exchange() {}
        }
    }

    /// Everything that is to be said is said and heard.
    fn exchange(&mut self) -> bool {
        let mut any = false;
        for from in 0..self.down {
            while let Some(sent) = self.machines[from].poll_transmit() {
                any = true;
                let to = (0..self.machines.len()).find(|to| id(*to) == sent.to).unwrap();
                let said = match from < self.liars {
                    true => self.bend(id(from), sent.message),
                    false => Some(sent.message),
                };
                if let Some(said) = said.filter(|_| to < self.down) {
                    self.hear(from, to, said);
                }
            }
        }
        any
    }

    fn hear(&mut self, from: usize, to: usize, said: Message) {
        match self.machines[to].handle(self.now, id(from), said) {
            Ok(()) => {}
            Err(refused @ Rejected::NotTheirWord { .. }) => {
                assert!(from < self.liars, "an honest node was told of: {refused}");
                assert_eq!(refused.sender(), id(from));
                self.told.insert(id(from));
            }
            Err(refused) => panic!("{refused}"),
        }
        self.check(to);
    }

    /// What a liar says in place of what it knows of another; of itself it tells the truth.
    fn bend(&mut self, liar: NodeId, message: Message) -> Option<Message> {
        let way = self.dice.random_range(0..7);
        Some(match message {
            Message::Snapshot { stream, mut head, mut presence, mut rows, mut seal, fresh }
                if stream.owner != liar =>
            {
                match way {
                    0 => return None,
                    1 => rows.push(Arc::new(self.invented(stream.owner))),
                    2 => (presence, rows) = (Presence::Left, Vec::new()),
                    3 if !rows.is_empty() => drop(rows.remove(0)),
                    4 if !rows.is_empty() => rows[0] = self.bent(&rows[0]),
                    5 => seal = Seal([7; 64]),
                    _ => head = Head { epoch: head.epoch + 1, version: 1 },
                }
                self.lies += 1;
                Message::Snapshot { stream, head, presence, rows, seal, fresh }
            }
            Message::Delta {
                stream,
                epoch,
                from,
                mut to,
                presence,
                mut changes,
                mut seal,
                fresh,
            } if stream.owner != liar => {
                match way {
                    0 => return None,
                    1 => changes.push(RowChange::Put(Arc::new(self.invented(stream.owner)))),
                    2 if !changes.is_empty() => changes.clear(),
                    3 => changes = vec![RowChange::Put(Arc::new(self.invented(stream.owner)))],
                    4 => seal = Seal([7; 64]),
                    _ => to += 1000,
                }
                self.lies += 1;
                Message::Delta { stream, epoch, from, to, presence, changes, seal, fresh }
            }
            // It claims to know more of everybody than anybody does.
            Message::Heads { network, buckets, mut heads } if way < 3 => {
                heads.iter_mut().filter(|(owner, _)| *owner != liar).for_each(|(_, head)| {
                    head.version += 1_000_000;
                });
                Message::Heads { network, buckets, heads }
            }
            // It never lacks anything, so that nobody tells it what it lacks.
            Message::Digest { .. } | Message::Buckets { .. } if way < 3 => return None,
            honest => honest,
        })
    }

    fn invented(&mut self, owner: NodeId) -> Endpoint {
        self.counter += 1;
        endpoint(owner, 1 << 60 | self.counter)
    }

    fn bent(&mut self, row: &Endpoint) -> Arc<Endpoint> {
        let addresses = self.invented(id(0)).addresses;
        Arc::new(Endpoint { addresses, ..row.clone() })
    }

    /// Somebody's workload starts, changes or ends.
    fn work(&mut self) {
        let node = self.dice.random_range(0..self.down);
        self.counter += 1;
        let known = self.rows[node].keys().next().copied().filter(|_| self.dice.random_bool(0.5));
        match known {
            Some(row) if self.dice.random_bool(0.5) => {
                self.rows[node].remove(&row);
                self.machines[node].remove(NET, row);
            }
            Some(row) => {
                self.put(node, Endpoint { id: row, ..endpoint(id(node), self.counter) });
            }
            None => self.put(node, endpoint(id(node), self.counter)),
        }
    }

    fn put(&mut self, node: usize, row: Endpoint) {
        self.rows[node].insert(row.id, row.clone());
        self.ever.entry(row.id).or_insert_with(|| (id(node), Vec::new())).1.push(row.clone());
        self.machines[node].put(NET, row);
    }

    /// Nobody shows a row that is not its owner's, or not as it was at some time.
    fn check(&self, at: usize) {
        for row in self.machines[at].rows(NET) {
            let (owner, forms) = &self.ever[&row.endpoint.id];
            assert!(*owner == row.owner && forms.contains(row.endpoint), "{row:?} at {at}");
        }
    }

    fn goes_down(&mut self, count: usize) {
        self.down = self.machines.len() - count;
        for lost in self.down..self.machines.len() {
            self.machines[..self.down].iter_mut().for_each(|machine| machine.hide(id(lost)));
        }
    }

    /// All that are up and honest have exactly what the owners have or had.
    fn agrees(&self) {
        let all = self.rows.iter().enumerate();
        let truth: BTreeMap<(NodeId, EndpointId), &Endpoint> = all
            .flat_map(|(node, rows)| rows.iter().map(move |(row, of)| ((id(node), *row), of)))
            .collect();
        for (at, machine) in self.machines[..self.down].iter().enumerate().skip(self.liars) {
            let shown: BTreeMap<_, _> =
                machine.rows(NET).map(|row| ((row.owner, row.endpoint.id), row.endpoint)).collect();
            assert_eq!(shown, truth, "at {at}");
        }
    }
}

fn members(nodes: usize) -> Arc<Members> {
    Arc::new(Members {
        nodes: (0..nodes).map(|node| (id(node), sums::key_of(id(node)))).collect(),
        managers: (0..3).map(id).collect(),
    })
}

/// A run of a node's.
fn machine(node: usize, epoch: u64, seed: u64) -> Whereabouts {
    Whereabouts::new(id(node), epoch, seed, sums::notary_of(id(node)))
}

fn id(node: usize) -> NodeId {
    NodeId::from_random(node as u128 + 1)
}

fn endpoint(owner: NodeId, number: u64) -> Endpoint {
    let [.., a, b, c] = number.to_be_bytes();
    Endpoint {
        id: EndpointId::at(owner, number),
        mac: MacAddr::from_random([2, 0, 0, a, b, c]),
        addresses: vec![[10, a, b, c].into()],
        name: None,
        aliases: BTreeSet::new(),
    }
}

/// Answers who was told of, and asserts that nobody was believed.
fn liars_lie(nodes: usize, liars: usize, lost: usize, seed: u64) -> BTreeSet<NodeId> {
    let mut world = World::new(nodes, liars, seed);
    world.run_for(10);
    for round in 0..60 {
        if round == 40 {
            // What they said last is with somebody.
            world.run_for(2);
            world.goes_down(lost);
        }
        world.work();
        if round % 4 == 0 {
            world.run_for(1);
        }
    }
    world.run_for(30);
    world.agrees();
    // Who has just started knows nothing, and owners that are down cannot be asked.
    world.restart(world.down - 1);
    world.run_for(30);
    world.agrees();
    assert!(world.lies > 0, "seed {seed}");
    world.told
}

#[test]
fn nobody_is_believed_in_anothers_place_in_a_large_network() {
    for seed in 1..=12 {
        let liars: BTreeSet<NodeId> = (0..4).map(id).collect();
        assert_eq!(liars_lie(40, liars.len(), 5, seed), liars, "seed {seed}");
    }
}

#[test]
fn nor_in_a_small_one() {
    // There a member is seldom asked for what others say.
    let told = (1..=40).map(|seed| liars_lie(6, 1, 2, seed));
    let count = told.filter(|told| *told == BTreeSet::from([id(0)])).count();
    assert!(count > 20, "{count}");
}
