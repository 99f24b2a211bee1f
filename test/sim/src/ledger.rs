//! The registry's addresses: the commands and views of `core/registry` over a store that is right.
//!
//! A store that keeps its word is `io/store`'s business. Here every manager decides from what it
//! knew when it last looked, and only a conflict makes it look again.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use weft_model::{Name, NetworkId, Node, NodeId, Role, Subnet, Vtep};
use weft_registry::{
    Block, CERTIFICATE_LIFE, Change, Cluster, Command, Committed, Condition, NetworkRequest, Op,
    Outcome, Revision, Situation, Txn, View, Want, decide,
};

use crate::node::REST;
use crate::notary::key_of;
use crate::world::MANAGERS;

/// Whoever founds the cluster and removes hosts; none of the hosts.
const FOUNDER: NodeId = NodeId::from_random(u128::MAX);
/// A command that is refused or meets a conflict is decided anew so often.
const ATTEMPTS: usize = 3;

/// What is committed, and what each manager knows of it.
#[derive(Debug)]
pub(crate) struct Ledger {
    truth: View,
    /// When each entry was put last.
    modified: BTreeMap<String, Revision>,
    known: [View; MANAGERS],
}

impl Ledger {
    /// A cluster with these networks and hosts.
    pub(crate) fn new(networks: &[NetworkId], hosts: impl Iterator<Item = NodeId>) -> Self {
        let mut ledger =
            Self { truth: View::default(), modified: BTreeMap::new(), known: Default::default() };
        ledger.order(&Command::Found {
            cluster: cluster(),
            node: node(FOUNDER, Role::Manager),
            tokens: Vec::new(),
        });
        for (nth, &id) in (0..).zip(networks) {
            let range = Ipv4Net::new_assert(Ipv4Addr::new(10, nth, 0, 0), 22);
            let subnet = Some(IpNet::V4(range));
            ledger.order(&Command::CreateNetwork(NetworkRequest {
                subnet,
                ..NetworkRequest::new(id)
            }));
        }
        hosts.for_each(|host| ledger.add(host));
        ledger
    }

    pub(crate) fn add(&mut self, host: NodeId) {
        self.order(&Command::PutNode(node(host, Role::Worker)));
    }

    pub(crate) fn remove(&mut self, host: NodeId) {
        self.order(&Command::RemoveNode { id: host, force: true });
    }

    /// What is committed, whatever managers know.
    pub(crate) const fn truth(&self) -> &View {
        &self.truth
    }

    pub(crate) fn subnet(&self, network: NetworkId) -> Option<&Subnet> {
        self.truth.network(network)?.subnets.first()
    }

    /// A host asks a manager for a block; absent: it is refused, or everybody asks at once.
    pub(crate) fn claim(
        &mut self,
        manager: usize,
        by: NodeId,
        network: NetworkId,
    ) -> Option<Block> {
        let command = Command::ClaimBlock { network, want: Want::Next, known: None };
        for _ in 0..ATTEMPTS {
            let decided = decided(self.known.get(manager)?, by, &command);
            if let Some((txn, Outcome::Block(block))) = decided
                && matches!(self.commit(txn), Committed::Applied(_))
            {
                return Some(block);
            }
            // Perhaps there is something that this manager has not heard of.
            *self.known.get_mut(manager)? = self.truth.clone();
        }
        None
    }

    /// Decided by somebody who knows everything.
    fn order(&mut self, command: &Command) {
        if let Some((txn, _)) = decided(&self.truth, FOUNDER, command) {
            self.commit(txn);
        }
    }

    fn commit(&mut self, txn: Txn) -> Committed {
        if !txn.conditions.iter().all(|condition| self.holds(condition)) {
            return Committed::Conflict;
        }
        let revision = self.truth.revision() + 1;
        for op in txn.ops {
            let (key, value) = match op {
                Op::Put { key, value, .. } => (key, Some(value)),
                Op::Delete { key } => (key, None),
            };
            match value {
                Some(_) => self.modified.insert(key.clone(), revision),
                None => self.modified.remove(&key),
            };
            // `core/registry` reads what it has written: its own tests see to that.
            drop(self.truth.apply(&Change { revision, key, value }));
        }
        Committed::Applied(revision)
    }

    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Absent(key) => !self.modified.contains_key(key),
            Condition::Present(key) => self.modified.contains_key(key),
            Condition::Unchanged { key, modified } => self.modified.get(key) == Some(modified),
        }
    }
}

fn decided(view: &View, by: NodeId, command: &Command) -> Option<(Txn, Outcome)> {
    let (in_use, resting) = <_>::default();
    let situation = Situation { view, by, in_use: &in_use, resting: &resting };
    // VNIs are not looked at here, only that they are different.
    let mut random = || u128::from(view.revision()) << 64 | u128::from(view.revision());
    let decision = decide(&situation, command, &mut random).ok()?;
    Some((decision.txn, decision.outcome))
}

fn cluster() -> Cluster {
    Cluster {
        id: "simulation".to_owned(),
        name: name("simulation"),
        vxlan_port: 4789,
        pools: Vec::new(),
        subnet_prefix: 22,
        address_rest: REST,
        certificate_life: CERTIFICATE_LIFE,
        ca_pem: String::new(),
        ca_generation: 0,
        former_ca_pem: None,
        keeping: weft_registry::Keeping::Managers,
    }
}

fn node(id: NodeId, role: Role) -> Node {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    Node {
        id,
        key: key_of(id),
        name: name(&format!("n{id}")),
        role,
        vtep: Vtep(address),
        control: (address, 1).into(),
    }
}

#[expect(clippy::expect_used, reason = "ids and words are labels")]
fn name(text: &str) -> Name {
    Name::label(text).expect("a label")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managers_that_know_nothing_of_each_other_give_no_block_twice() {
        let network = NetworkId::from_random(1);
        let hosts = [1, 2, 3].map(NodeId::from_random);
        let mut ledger = Ledger::new(&[network], hosts.into_iter());
        let mut ranges = Vec::new();
        for (manager, host) in [(0, hosts[0]), (1, hosts[1]), (2, hosts[2]), (0, hosts[1])] {
            let block = ledger.claim(manager, host, network).unwrap();
            assert!(!ranges.contains(&block.range), "{block:?}");
            ranges.push(block.range);
        }
        ledger.remove(hosts[0]);
        assert_eq!(ledger.claim(0, hosts[0], network), None, "it is no member any more");
        assert_eq!(ledger.truth().all_blocks().count(), 3);
    }
}
