//! Several machines, wires between them, and a clock that is moved by hand.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use weft_model::NodeId;

use crate::{Event, Malformed, Membership, Roll, Settings, Standing};

const HIDE: Duration = Duration::from_millis(400);

struct Cluster {
    now: Instant,
    all: Vec<Membership>,
    /// From the first nothing reaches the second.
    cut: BTreeSet<(usize, usize)>,
    dead: BTreeSet<usize>,
    told: Vec<(usize, Event)>,
}

impl Cluster {
    /// So many nodes that have just started, each connected with each.
    fn new(size: usize) -> Self {
        Self::with(size, Settings::default())
    }

    /// The same, but nobody relies on connections.
    fn loose(size: usize) -> Self {
        Self::with(size, Settings { mesh: 0, ..Settings::default() })
    }

    fn with(size: usize, settings: Settings) -> Self {
        let now = crate::test_clock();
        let roll: Arc<Roll> = Arc::new((0..size).map(id).collect());
        let all = (0..size).map(|node| {
            let mut machine = Membership::new(id(node), 1, node as u64, settings);
            machine.set_nodes(now, Arc::clone(&roll));
            machine
        });
        let mut cluster = Self {
            now,
            all: all.collect(),
            cut: BTreeSet::new(),
            dead: BTreeSet::new(),
            told: Vec::new(),
        };
        cluster.connect();
        cluster
    }

    fn is_open(&self, from: usize, to: usize) -> bool {
        let alive = !self.dead.contains(&from) && !self.dead.contains(&to);
        alive && !self.cut.contains(&(from, to))
    }

    /// Every two nodes that can be.
    fn connect(&mut self) {
        let now = self.now;
        self.pairs(|cluster, one, other| {
            if cluster.is_open(one, other) && cluster.is_open(other, one) {
                cluster.all[one].connected(now, id(other));
            }
        });
    }

    fn disconnect(&mut self) {
        let now = self.now;
        self.pairs(|cluster, one, other| {
            if !(cluster.is_open(one, other) && cluster.is_open(other, one)) {
                cluster.all[one].disconnected(now, id(other));
            }
        });
    }

    fn pairs(&mut self, mut act: impl FnMut(&mut Self, usize, usize)) {
        for one in 0..self.all.len() {
            for other in (0..self.all.len()).filter(|other| *other != one) {
                act(self, one, other);
            }
        }
    }

    fn split(&mut self, side: &[usize]) {
        let apart = |one: &usize, other: &usize| side.contains(one) != side.contains(other);
        let nodes = 0..self.all.len();
        let pairs = nodes.clone().flat_map(|one| nodes.clone().map(move |other| (one, other)));
        self.cut = pairs.filter(|(one, other)| apart(one, other)).collect();
        self.disconnect();
    }

    fn heal(&mut self) {
        self.cut.clear();
        self.connect();
    }

    fn run(&mut self, span: Duration) {
        let until = self.now + span;
        loop {
            self.deliver();
            let alive = (0..self.all.len()).filter(|node| !self.dead.contains(node));
            let due = alive.filter_map(|node| self.all[node].poll_timeout()).min();
            let Some(due) = due.filter(|due| *due <= until) else { break };
            self.now = self.now.max(due);
            let now = self.now;
            let alive = (0..self.all.len()).filter(|node| !self.dead.contains(node));
            alive.for_each(|node| self.all[node].handle_timeout(now));
        }
        self.now = until;
    }

    fn deliver(&mut self) {
        loop {
            let mut any = false;
            for from in 0..self.all.len() {
                while let Some(event) = self.all[from].poll_event() {
                    if !self.dead.contains(&from) {
                        self.told.push((from, event));
                    }
                }
                while let Some(sent) = self.all[from].poll_transmit() {
                    any = true;
                    let to = (0..self.all.len()).find(|to| id(*to) == sent.to).unwrap();
                    if self.is_open(from, to) {
                        self.all[to].handle(self.now, id(from), &sent.bytes).unwrap();
                    }
                }
            }
            if !any {
                return;
            }
        }
    }

    fn sees(&self, at: usize, node: usize) -> Standing {
        self.all[at].standing(id(node)).unwrap()
    }

    fn all_up(&self) -> bool {
        let of = |machine: &Membership| machine.standings().all(|(_, s)| s == Standing::Up);
        self.all.iter().all(of)
    }

    /// Whether SWIM alone would say the same.
    fn all_active(&self) -> bool {
        self.all.iter().all(|machine| machine.troubles.is_empty())
    }
}

fn id(node: usize) -> NodeId {
    NodeId::from_random(node as u128 + 1)
}

#[test]
fn nodes_that_start_together_find_each_other_and_nobody_is_told_down() {
    let mut cluster = Cluster::new(12);
    cluster.run(Duration::from_secs(3));
    assert!(cluster.all_active());
    cluster.run(Duration::from_secs(60));
    assert_eq!(cluster.told, []);
}

#[test]
fn a_node_that_dies_is_down_and_is_up_again_in_its_next_run() {
    let mut cluster = Cluster::new(5);
    cluster.run(Duration::from_secs(5));
    cluster.dead.insert(4);
    cluster.disconnect();
    cluster.run(HIDE);
    let down: BTreeSet<_> = cluster.told.drain(..).collect();
    assert_eq!(down, (0..4).map(|at| (at, Event::Down(id(4)))).collect());
    cluster.run(Duration::from_secs(30));
    assert_eq!(cluster.told, []);
    assert!(matches!(cluster.sees(0, 4), Standing::Down { .. }));

    let mut again = Membership::new(id(4), 2, 77, Settings::default());
    again.set_nodes(cluster.now, Arc::clone(&cluster.all[0].roll));
    cluster.all[4] = again;
    cluster.dead.clear();
    cluster.connect();
    cluster.run(Duration::from_secs(4));
    assert!(cluster.all_up() && cluster.all_active());
    assert!(cluster.told.iter().all(|(_, event)| *event == Event::Up(id(4))), "{:?}", cluster.told);
}

#[test]
fn without_connections_a_death_is_found_by_probes_and_nothing_else_is() {
    let mut cluster = Cluster::loose(40);
    cluster.run(Duration::from_secs(5));
    assert!(cluster.all_active());
    cluster.dead.insert(7);
    cluster.run(Duration::from_secs(6));
    let down: Vec<_> = cluster.told.iter().map(|(_, event)| *event).collect();
    assert_eq!(down, [Event::Down(id(7)); 39]);
}

#[test]
fn two_nodes_that_lose_each_other_alone_say_so_and_others_see_both() {
    let mut cluster = Cluster::new(5);
    cluster.run(Duration::from_secs(5));
    cluster.cut = BTreeSet::from([(0, 1), (1, 0)]);
    cluster.disconnect();
    cluster.run(Duration::from_secs(10));
    for (at, other) in [(0, 1), (1, 0)] {
        assert!(matches!(cluster.sees(at, other), Standing::Indirect { .. }));
        assert_eq!(cluster.sees(2, at), Standing::Up);
    }
    let of_others = cluster.told.iter().filter(|(at, _)| *at > 1).count();
    assert_eq!((of_others, cluster.told.len()), (0, 4), "{:?}", cluster.told);
    cluster.heal();
    cluster.run(Duration::from_secs(1));
    assert!(cluster.all_up());
}

#[test]
fn halves_that_took_each_other_for_dead_live_on_together() {
    let mut cluster = Cluster::new(10);
    cluster.run(Duration::from_secs(5));
    cluster.split(&[0, 1, 2, 3, 4]);
    cluster.run(Duration::from_secs(60));
    assert!(matches!(cluster.sees(0, 9), Standing::Down { .. }));
    cluster.told.clear();
    cluster.heal();
    cluster.run(Duration::from_millis(100));
    assert!(cluster.all_up());
    cluster.run(Duration::from_secs(10));
    assert!(cluster.all_active());
    assert!(cluster.told.iter().all(|(_, event)| matches!(event, Event::Up(_))));
}

#[test]
fn so_do_halves_without_connections() {
    let mut cluster = Cluster::loose(30);
    cluster.run(Duration::from_secs(5));
    cluster.split(&(0..15).collect::<Vec<_>>());
    cluster.run(Duration::from_secs(60));
    assert!(matches!(cluster.sees(0, 29), Standing::Down { .. }));
    cluster.heal();
    cluster.run(Duration::from_secs(10));
    assert!(cluster.all_up() && cluster.all_active());
}

#[test]
fn a_removed_node_is_not_spoken_of_again() {
    let mut cluster = Cluster::new(4);
    cluster.run(Duration::from_secs(5));
    cluster.dead.insert(3);
    cluster.disconnect();
    let (now, roll) = (cluster.now, Arc::new((0..3).map(id).collect()));
    cluster.all.iter_mut().for_each(|machine| machine.set_nodes(now, Arc::clone(&roll)));
    cluster.told.clear();
    cluster.run(Duration::from_secs(10));
    assert_eq!((cluster.told.len(), cluster.all[0].standing(id(3))), (0, None));
    assert_eq!(cluster.all[0].swim.members().count(), 2);
}

#[test]
fn flapping_keeps_one_event_a_node() {
    let mut cluster = Cluster::new(2);
    cluster.run(Duration::from_secs(1));
    let one = &mut cluster.all[0];
    for round in 0..100 {
        let now = cluster.now + HIDE * 3 * round;
        one.disconnected(now, id(1));
        one.handle_timeout(now + HIDE);
        one.connected(now + HIDE * 2, id(1));
    }
    assert_eq!(one.poll_event(), Some(Event::Up(id(1))));
    assert_eq!(one.poll_event(), None);
}

#[test]
fn nobody_speaks_in_anothers_name() {
    let mut cluster = Cluster::new(3);
    let now = cluster.now;
    cluster.run(Duration::from_secs(1));
    cluster.all[0].handle_timeout(now + Duration::from_secs(2));
    let sent = std::iter::from_fn(|| cluster.all[0].poll_transmit());
    let packet = sent.filter(|sent| sent.by == crate::Carrier::Datagram).last().unwrap();
    assert_eq!(cluster.all[1].handle(now, id(2), &packet.bytes), Err(Malformed));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(kind in 0x10..0x14_u8, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut cluster = Cluster::new(3);
        let _told = cluster.all[0].handle(cluster.now, id(1), &[&[kind], bytes.as_slice()].concat());
        let ours = [&[0x10], crate::who::short(id(1)).as_slice(), bytes.as_slice()].concat();
        let _told = cluster.all[0].handle(cluster.now, id(1), &ours);
        cluster.run(Duration::from_secs(1));
    }
}
