//! Addresses: a host asks a manager for blocks, and gives its workloads addresses from them.
//!
//! Questions and answers get lost, doubled and late; a host asks until it has what it wants, which
//! may be more than it asked for.

use std::net::IpAddr;
use std::time::Duration;

use weft_addresses::Lessor;
use weft_model::{NetworkId, NodeId};
use weft_registry::Block;

use super::{Event, MANAGERS, World};
use crate::node::{Node, REST};

/// Who wants a block asks again after this long.
const PATIENCE: Duration = Duration::from_millis(500);

/// A host wants a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    host: usize,
    /// In the place of the host there may be another by now.
    id: NodeId,
    network: NetworkId,
    manager: usize,
}

impl World {
    /// An address for a new workload; without one it does not start.
    pub(super) fn lease(&mut self, at: usize, network: NetworkId) -> Option<IpAddr> {
        let instant = self.nodes.get(at)?.now(self.now);
        let leased = self.lessor(at, network)?.lease(instant).ok();
        self.ask(at, network);
        leased
    }

    /// Asks for a block, if one is wanted and not yet asked for.
    pub(super) fn ask(&mut self, at: usize, network: NetworkId) {
        if !self.lessor(at, network).is_some_and(|lessor| lessor.wants_block()) {
            return;
        }
        let manager = self.below(MANAGERS.min(self.nodes.len()));
        let Some(node) = self.nodes.get_mut(at) else { return };
        let claim = Claim { host: at, id: node.id, network, manager };
        let new = node.agent.as_mut().is_some_and(|agent| agent.asking.insert(network));
        if new {
            self.put(PATIENCE, Event::AskAgain { claim });
            self.post(at, manager, Event::Claim { claim });
        }
    }

    pub(super) fn ask_again(&mut self, claim: Claim) {
        if let Some(agent) = self.claimant(claim).and_then(|node| node.agent.as_mut()) {
            agent.asking.remove(&claim.network);
            self.ask(claim.host, claim.network);
        }
    }

    /// A manager hears it, decides, and answers.
    pub(super) fn claim(&mut self, claim: Claim) {
        let Claim { host, id, network, manager } = claim;
        if !self.nodes.get(manager).is_some_and(Node::runs) {
            return;
        }
        let given = self.ledger.as_mut().and_then(|ledger| ledger.claim(manager, id, network));
        if let Some(block) = given {
            self.post(manager, host, Event::Granted { claim, block });
        }
    }

    /// The host hears that it has the block: from now on it must have it.
    pub(super) fn granted(&mut self, claim: Claim, block: Block) {
        let Some(node) = self.claimant(claim) else { return };
        node.pools.entry(block.network).or_default().blocks.insert(block.range);
        if let Some(lessor) = self.lessor(claim.host, block.network) {
            lessor.add_block(block.range);
        }
        let Some(ledger) = &self.ledger else { return };
        self.watch.acknowledged(ledger, block);
    }

    /// A workload is gone; its address rests.
    pub(super) fn release(&mut self, at: usize, network: NetworkId, address: IpAddr) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(at) else { return };
        node.pools.entry(network).or_default().freed.insert(address);
        let instant = node.now(now);
        let lessor = node.agent.as_mut().and_then(|agent| agent.lessors.get_mut(&network));
        lessor.into_iter().for_each(|lessor| lessor.release(instant, address));
    }

    fn claimant(&mut self, claim: Claim) -> Option<&mut Node> {
        self.nodes.get_mut(claim.host).filter(|node| node.runs() && node.id == claim.id)
    }

    /// A host leases as its disk says that it must.
    fn lessor(&mut self, at: usize, network: NetworkId) -> Option<&mut Lessor> {
        let subnet = self.ledger.as_ref()?.subnet(network)?;
        let node = self.nodes.get_mut(at)?;
        let (instant, rows) = (node.now(self.now), node.rows.get(&network));
        let pool = node.pools.get(&network);
        let agent = node.agent.as_mut()?;
        let lessor = agent.lessors.entry(network).or_insert_with(|| {
            let mut lessor = Lessor::new(subnet.clone(), REST);
            pool.iter().flat_map(|pool| &pool.freed).for_each(|a| lessor.rest_again(instant, *a));
            let leased = rows.iter().flat_map(|rows| rows.values()).flat_map(|row| &row.addresses);
            leased.for_each(|address| lessor.restore(*address));
            pool.iter().flat_map(|pool| &pool.blocks).for_each(|block| lessor.add_block(*block));
            lessor
        });
        Some(lessor)
    }

    /// One message, not sent again; now and then twice.
    fn post(&mut self, from: usize, to: usize, event: Event) {
        if from == to {
            return self.put(Duration::ZERO, event);
        }
        let Some(latency) = self.underlay.carry(from, to, &mut self.dice) else { return };
        if self.underlay.doubles(&mut self.dice) {
            self.put(latency * 3, event.clone());
        }
        self.put(latency, event);
    }
}
