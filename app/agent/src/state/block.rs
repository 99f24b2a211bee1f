//! Blocks of addresses: what the registry says this node owns, and what it may give back.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use ipnet::IpNet;
use weft_addresses::Lessor;
use weft_api::{ApiProblem, ProblemKind};
use weft_model::{NetworkId, Role};
use weft_registry::{Block, View};
use weft_whereabouts::Members;

use super::{LeaseRefused, State};
use crate::local::Held;
use crate::problem::{Answer, problem};

impl State {
    /// Takes in what the registry says now.
    pub(super) fn take_registry(&mut self) {
        self.followed = self.registry.borrow_and_update().clone();
        let view = Arc::clone(&self.followed.view);
        let now = Self::now();
        let members = members(&view);
        if self.members != members {
            self.members = members;
            let roll = Arc::new(self.members.nodes.keys().copied().collect());
            self.membership.set_nodes(now, roll);
            self.whereabouts.set_members(now, Arc::new(self.members.clone()));
        }
        self.whereabouts.retain(|network| view.network(network).is_some());
        if let Some(me) = view.node(self.me.id) {
            self.me = me.clone();
        }
        self.take_blocks(&view);
    }

    fn take_blocks(&mut self, view: &View) {
        let rest = view.cluster().map(|cluster| cluster.address_rest).unwrap_or_default();
        self.lessors.retain(|id, _lessor| view.network(*id).is_some());
        Arc::make_mut(&mut self.last_macs).retain(|held, _| view.network(held.network).is_some());
        for network in view.networks().values() {
            let Some(subnet) = network.subnets.first() else { continue };
            let lessor =
                self.lessors.entry(network.id).or_insert_with(|| Lessor::new(subnet.clone(), rest));
            let retiring = |range: &IpNet| self.retiring.contains(&(network.id, *range));
            let given_back = |block: &&Block| {
                let key = (block.network, block.range);
                self.given_back.get(&key) == Some(&block.generation)
            };
            let owned: Vec<IpNet> = view
                .blocks_of(network.id, self.me.id)
                .filter(|block| !given_back(block))
                .map(|block| block.range)
                .filter(|range| !retiring(range))
                .collect();
            let held: Vec<IpNet> = lessor.blocks().collect();
            for range in owned.iter().filter(|range| !held.contains(range)) {
                lessor.add_block(*range);
            }
            restore(lessor, network.id, &mut self.remembered_leases);
            for range in held.iter().filter(|range| !owned.contains(range) && !retiring(range)) {
                if let Err(error) = lessor.remove_block(*range) {
                    tracing::error!(block = %range, error = %error, "a block was taken while in use");
                }
            }
        }
    }

    /// Takes a block out of use, durably, before it goes back to the registry; `false`: it is in use.
    pub(super) async fn retire(&mut self, network: NetworkId, range: IpNet) -> bool {
        let view = Arc::clone(&self.followed.view);
        let Some(block) = view.block(network, range) else { return false };
        if !self.was_given_back(block) {
            let free = |lessor: &mut Lessor| lessor.remove_block(range).is_ok();
            if !self.lessors.get_mut(&network).is_some_and(free) {
                return false;
            }
            if let Err(problem) = self.local.give_back(network, range, block.generation).await {
                tracing::warn!(block = %range, %problem, "a block stays");
                self.take_registry();
                return false;
            }
            self.given_back.insert((network, range), block.generation);
        }
        self.retiring.insert((network, range));
        true
    }

    /// The block is the registry's again and the view says so, or that is not known.
    pub(super) async fn retired(&mut self, network: NetworkId, range: IpNet, known: bool) {
        self.retiring.remove(&(network, range));
        if known {
            self.given_back.remove(&(network, range));
            if let Err(problem) = self.local.forget_given_back(network, range).await {
                // The note is of a generation that never comes back: it is in nobody's way.
                tracing::debug!(block = %range, %problem, "a note of a block stays");
            }
        }
        self.take_registry();
    }

    fn was_given_back(&self, block: &Block) -> bool {
        self.given_back.get(&(block.network, block.range)) == Some(&block.generation)
    }

    /// Leases an address to nobody any more, durably; answers the block that it is in.
    ///
    /// The block counts as this node's until [`Self::ceded`], whatever the registry says meanwhile.
    pub(super) async fn set_aside(&mut self, network: NetworkId, address: IpAddr) -> Answer<IpNet> {
        let blocks = self.lessors.get(&network).map(|lessor| lessor.blocks().collect::<Vec<_>>());
        let holding = |block: &IpNet| block.contains(&address);
        let range = blocks.unwrap_or_default().into_iter().find(holding);
        let range = range.ok_or_else(|| moved(address))?;
        match self.hold_back(network, address).await {
            Ok(()) => {}
            Err(LeaseRefused::Refused(problem)) => return Err(problem),
            Err(LeaseRefused::NeedsNext { .. } | LeaseRefused::NeedsHolding(_)) => {
                return Err(moved(address));
            }
        }
        self.retiring.insert((network, range));
        Ok(range)
    }

    /// The address is another node's, or rests here and stays after all.
    pub(super) async fn ceded(
        &mut self,
        network: NetworkId,
        address: IpAddr,
        range: IpNet,
    ) -> Answer<()> {
        let released = self.release(network, address).await;
        self.retiring.remove(&(network, range));
        self.take_registry();
        released
    }

    /// Blocks whose way back was interrupted: the registry is asked again.
    fn half_given_back(&self) -> impl Iterator<Item = (NetworkId, IpNet)> {
        let mine = self.followed.view.all_blocks().filter(|block| block.owner == self.me.id);
        mine.filter(|block| self.was_given_back(block)).map(|block| (block.network, block.range))
    }

    /// The newest block of this node's that it knows of: a claim asks for the one after it.
    pub(super) fn newest_block(&self, network: NetworkId) -> u64 {
        self.followed.view.newest_block(network, self.me.id)
    }

    /// Tells which networks' addresses run low here although the cluster has plenty.
    pub(super) fn look_ahead(&self) {
        let view = &self.followed.view;
        let low: Vec<(NetworkId, u64)> = self
            .lessors
            .iter()
            .filter(|(_, lessor)| lessor.blocks().next().is_some() && lessor.wants_block())
            .map(|(network, _)| *network)
            .filter(|network| view.has_plenty(*network))
            .map(|network| (network, self.newest_block(network)))
            .collect();
        self.out.low_networks.send_if_modified(|known| {
            let differs = *known != low;
            *known = low;
            differs
        });
    }

    /// Tells which blocks could be given back.
    pub(super) fn keep_house(&self, now: Instant) {
        let idle: Vec<(NetworkId, IpNet)> = self
            .lessors
            .iter()
            .flat_map(|(network, lessor)| {
                lessor.idle_blocks(now).into_iter().map(|range| (*network, range))
            })
            .chain(self.half_given_back())
            .collect();
        self.out.idle_blocks.send_if_modified(|known| {
            let differs = *known != idle;
            *known = idle;
            differs
        });
    }
}

fn members(view: &View) -> Members {
    let nodes = view.nodes();
    let managers = nodes.values().filter(|node| node.role == Role::Manager);
    Members {
        managers: managers.map(|node| node.id).collect(),
        nodes: nodes.values().map(|node| (node.id, node.key)).collect(),
    }
}

/// Takes up what was leased before the start, as soon as the network is known.
fn restore(lessor: &mut Lessor, network: NetworkId, remembered: &mut BTreeMap<Held, bool>) {
    let (known, later) =
        std::mem::take(remembered).into_iter().partition(|(held, _)| held.network == network);
    *remembered = later;
    let known: BTreeMap<Held, bool> = known;
    for (held, released) in known {
        match released {
            false => lessor.restore(held.address),
            true => lessor.rest_again(State::now(), held.address),
        }
    }
}

fn moved(address: IpAddr) -> ApiProblem {
    let what = format!("address {address} is in another node's block since a moment ago");
    problem(ProblemKind::Conflict, what, "try again")
}
