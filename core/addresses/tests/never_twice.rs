//! An address is never leased twice, whatever the order of claims, leases, crashes and restarts.

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
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use proptest::prelude::*;
use weft_addresses::{Lessor, NoAddress, block_holding, next_block, without};
use weft_model::Subnet;

const REST: Duration = Duration::from_secs(60);
const NODES: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The registry grants a block, and the node learns of it or crashes before.
    Claim {
        node: usize,
        learns: bool,
    },
    ClaimHolding {
        node: usize,
        host: u8,
    },
    Lease {
        node: usize,
    },
    LeaseExact {
        node: usize,
        host: u8,
    },
    Release {
        node: usize,
        which: usize,
    },
    GiveBack {
        node: usize,
    },
    /// A node lets another have one of its addresses, or crashes on the way.
    Cede {
        node: usize,
        to: usize,
        host: u8,
        crash: Option<After>,
    },
    Restart {
        node: usize,
    },
    Wait {
        seconds: u64,
    },
}

/// How far a node comes that crashes while it cedes an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    SetAside,
    Registry,
}

fn cede() -> impl Strategy<Value = Step> {
    let crash = prop_oneof![
        2 => Just(None),
        1 => Just(Some(After::SetAside)),
        1 => Just(Some(After::Registry)),
    ];
    (0..NODES, 0..NODES, 0..64_u8, crash).prop_map(|(node, to, host, crash)| Step::Cede {
        node,
        to,
        host,
        crash,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let node = 0..NODES;
    prop_oneof![
        2 => (node.clone(), any::<bool>()).prop_map(|(node, learns)| Step::Claim { node, learns }),
        1 => (node.clone(), 0..64_u8).prop_map(|(node, host)| Step::ClaimHolding { node, host }),
        6 => node.clone().prop_map(|node| Step::Lease { node }),
        2 => (node.clone(), 0..64_u8).prop_map(|(node, host)| Step::LeaseExact { node, host }),
        4 => (node.clone(), any::<usize>()).prop_map(|(node, which)| Step::Release { node, which }),
        1 => node.clone().prop_map(|node| Step::GiveBack { node }),
        2 => cede(),
        1 => node.prop_map(|node| Step::Restart { node }),
        2 => (0..90_u64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// A host: what it has in memory, and what is on its disk.
struct Host {
    lessor: Lessor,
    leased: BTreeSet<IpAddr>,
    /// Leased to nobody, on their way to another node.
    aside: BTreeSet<IpAddr>,
    resting: BTreeSet<IpAddr>,
}

struct World {
    now: Instant,
    subnet: Subnet,
    /// The registry.
    owners: BTreeMap<IpNet, usize>,
    hosts: Vec<Host>,
    /// Who had an address last, and until when.
    freed: BTreeMap<IpAddr, Instant>,
}

impl World {
    fn new() -> Self {
        let subnet = Subnet::new("10.7.0.0/26".parse().unwrap(), None, BTreeSet::new()).unwrap();
        let lessor = Lessor::new(subnet.clone(), REST);
        let none = BTreeSet::new;
        let host =
            || Host { lessor: lessor.clone(), leased: none(), aside: none(), resting: none() };
        let hosts = (0..NODES).map(|_| host()).collect();
        Self { now: Instant::now(), subnet, owners: BTreeMap::new(), hosts, freed: BTreeMap::new() }
    }

    fn blocks(&self, node: Option<usize>) -> Vec<IpNet> {
        let wanted = |owner: usize| node.is_none_or(|node| node == owner);
        self.owners.iter().filter(|(_, owner)| wanted(**owner)).map(|(range, _)| *range).collect()
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Claim { node, learns } => {
                let found = next_block(&self.subnet, &self.blocks(None), &self.blocks(Some(node)));
                self.grant(node, found, learns);
            }
            Step::ClaimHolding { node, host } => {
                let found = block_holding(&self.subnet, &self.blocks(None), address(host));
                self.grant(node, found, true);
            }
            Step::Lease { node } => {
                if let Ok(address) = self.hosts[node].lessor.lease(self.now) {
                    self.leased(node, address);
                }
            }
            Step::LeaseExact { node, host } => {
                if self.hosts[node].lessor.lease_exact(self.now, address(host)).is_ok() {
                    self.leased(node, address(host));
                }
            }
            Step::Release { node, which } => self.release(node, which),
            Step::GiveBack { node } => {
                for range in self.hosts[node].lessor.idle_blocks(self.now) {
                    self.hosts[node].lessor.remove_block(range).unwrap();
                    self.owners.remove(&range);
                }
            }
            Step::Cede { node, to, host, crash } => self.cede(node, to, address(host), crash),
            Step::Restart { node } => self.restart(node),
            Step::Wait { seconds } => {
                self.now += Duration::from_secs(seconds);
                (0..NODES).for_each(|node| self.release_orphans(node));
            }
        }
    }

    fn cede(&mut self, node: usize, to: usize, address: IpAddr, crash: Option<After>) {
        let mut mine = self.blocks(Some(node)).into_iter();
        let Some(range) = mine.find(|range| node != to && range.contains(&address)) else { return };
        if self.hosts[node].lessor.lease_exact(self.now, address).is_err() {
            return;
        }
        self.hosts[node].aside.insert(address);
        self.hosts[node].resting.remove(&address);
        if crash == Some(After::SetAside) {
            return self.restart(node);
        }
        let parts = without(range, address);
        self.owners.remove(&range);
        self.owners.extend(parts.iter().map(|part| (*part, node)));
        self.owners.insert(address.into(), to);
        self.hosts[to].lessor.add_block(address.into());
        if crash == Some(After::Registry) {
            return self.restart(node);
        }
        let lessor = &mut self.hosts[node].lessor;
        parts.into_iter().for_each(|part| lessor.add_block(part));
        self.release_orphans(node);
        self.hosts[node].lessor.remove_block(range).unwrap();
    }

    /// What was set aside and went nowhere, or was kept by a crash, has no endpoint.
    fn release_orphans(&mut self, node: usize) {
        let host = &mut self.hosts[node];
        for address in std::mem::take(&mut host.aside) {
            host.lessor.release(self.now, address);
            host.resting.insert(address);
        }
    }

    fn grant(&mut self, node: usize, found: Option<IpNet>, learns: bool) {
        let Some(range) = found else { return };
        for other in self.blocks(None) {
            assert!(!other.contains(&range) && !range.contains(&other), "{range} and {other}");
        }
        self.owners.insert(range, node);
        if learns {
            self.hosts[node].lessor.add_block(range);
        } else {
            self.restart(node);
        }
    }

    /// A lease was given: it is recorded durably before anybody uses it.
    fn leased(&mut self, node: usize, address: IpAddr) {
        assert!(self.subnet.is_assignable(address), "{address}");
        for host in &self.hosts {
            assert!(!host.leased.contains(&address), "{address} is leased twice");
        }
        if let Some(freed) = self.freed.get(&address) {
            assert!(self.now >= *freed + REST, "{address} has not rested");
        }
        self.hosts[node].leased.insert(address);
        self.hosts[node].resting.remove(&address);
    }

    fn release(&mut self, node: usize, which: usize) {
        let host = &mut self.hosts[node];
        let count = host.leased.len().max(1);
        let Some(address) = host.leased.iter().copied().nth(which % count) else { return };
        host.leased.remove(&address);
        host.resting.insert(address);
        host.lessor.release(self.now, address);
        self.freed.insert(address, self.now);
    }

    fn restart(&mut self, node: usize) {
        let blocks = self.blocks(Some(node));
        let host = &mut self.hosts[node];
        host.lessor = Lessor::new(self.subnet.clone(), REST);
        host.leased.union(&host.aside).for_each(|address| host.lessor.restore(*address));
        blocks.iter().for_each(|range| host.lessor.add_block(*range));
        host.resting.iter().for_each(|address| host.lessor.rest_again(self.now, *address));
    }

    fn check(&self) {
        for (node, host) in self.hosts.iter().enumerate() {
            let known: BTreeSet<IpAddr> = host.lessor.leased().collect();
            let on_disk: BTreeSet<IpAddr> = host.leased.union(&host.aside).copied().collect();
            assert_eq!(known, on_disk, "memory and disk of node {node} agree");
            for address in &host.leased {
                let owner = self.owners.iter().find(|(range, _)| range.contains(address));
                assert_eq!(owner.map(|(_, owner)| *owner), Some(node), "{address}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_address_is_never_leased_twice(steps in prop::collection::vec(step(), 1..150)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
            world.check();
        }
    }

    #[test]
    fn the_same_steps_give_the_same_addresses(steps in prop::collection::vec(step(), 1..60)) {
        let run = || {
            let mut world = World::new();
            steps.iter().for_each(|step| world.step(*step));
            world.hosts.into_iter().map(|host| host.leased).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(), run());
    }
}

#[test]
fn thirty_nodes_get_addresses_of_a_24() {
    let subnet = Subnet::new("10.7.0.0/24".parse().unwrap(), None, BTreeSet::new()).unwrap();
    let now = Instant::now();
    let mut taken: Vec<IpNet> = Vec::new();
    let mut leased = BTreeSet::new();
    for node in 0..30 {
        let block = next_block(&subnet, &taken, &[]).unwrap();
        taken.push(block);
        let mut lessor = Lessor::new(subnet.clone(), REST);
        lessor.add_block(block);
        for _ in 0..6 {
            assert!(leased.insert(lessor.lease(now).unwrap()), "node {node}");
        }
    }
    assert_eq!(leased.len(), 180);
}

#[test]
fn one_node_can_lease_a_whole_24() {
    let subnet = Subnet::new("10.7.0.0/24".parse().unwrap(), None, BTreeSet::new()).unwrap();
    let now = Instant::now();
    let mut lessor = Lessor::new(subnet.clone(), REST);
    let mut leased = BTreeSet::new();
    loop {
        match lessor.lease(now) {
            Ok(address) => assert!(leased.insert(address)),
            Err(NoAddress::NoBlock | NoAddress::AllLeased) => {
                let own: Vec<IpNet> = lessor.blocks().collect();
                let Some(block) = next_block(&subnet, &own, &own) else { break };
                lessor.add_block(block);
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(leased.len(), 253, "all but network, broadcast and gateway");
}

fn address(host: u8) -> IpAddr {
    [10, 7, 0, host].into()
}
