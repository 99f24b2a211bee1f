//! One host: its machines, its clock, and what its disk remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use weft_addresses::Lessor;
use weft_membership::{Membership, Roll, Settings};
use weft_model::{Endpoint, EndpointId, NetworkId, NodeId};
use weft_whereabouts::{Members, Whereabouts};

use crate::notary::notary_of;
use crate::time::{HostClock, SimTime};

/// How long a freed address rests: shorter than in a real cluster, so that some are leased again.
pub(crate) const REST: Duration = Duration::from_secs(5);

/// What a host's disk holds of a network's addresses, beside those of its rows.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    pub(crate) blocks: BTreeSet<IpNet>,
    /// They were leased once, and rest or are free.
    pub(crate) freed: BTreeSet<IpAddr>,
}

/// One host.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) clock: HostClock,
    /// Absent while the agent is not running.
    pub(crate) agent: Option<Agent>,
    /// Nothing runs on it, but it will go on as if nothing had happened.
    pub(crate) paused: bool,
    /// The timer that counts; earlier ones were set for something else.
    pub(crate) timer: (SimTime, u64),
    /// On its disk.
    pub(crate) epoch: u64,
    pub(crate) rows: BTreeMap<NetworkId, BTreeMap<EndpointId, Endpoint>>,
    pub(crate) pools: BTreeMap<NetworkId, Pool>,
}

/// What is lost when the agent ends.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) whereabouts: Whereabouts,
    pub(crate) membership: Membership,
    /// The connections that this side believes in, by number.
    pub(crate) connected: BTreeMap<usize, u64>,
    pub(crate) lessors: BTreeMap<NetworkId, Lessor>,
    /// Networks that a block was asked for.
    pub(crate) asking: BTreeSet<NetworkId>,
}

/// The registry, as far as it matters here: who is a member.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registry {
    pub(crate) roll: Arc<Roll>,
    pub(crate) members: Arc<Members>,
}

impl Node {
    pub(crate) const fn new(id: NodeId, clock: HostClock) -> Self {
        Self {
            id,
            clock,
            agent: None,
            paused: false,
            timer: (SimTime(u64::MAX), 0),
            epoch: 0,
            rows: BTreeMap::new(),
            pools: BTreeMap::new(),
        }
    }

    /// Starts the agent with what the disk holds; the epoch is durable before anything is said.
    pub(crate) fn start(
        &mut self,
        now: SimTime,
        registry: &Registry,
        seed: u64,
        settings: Settings,
    ) {
        self.epoch += 1;
        let mut whereabouts = Whereabouts::new(self.id, self.epoch, seed, notary_of(self.id));
        for (&network, rows) in &self.rows {
            whereabouts.join(network);
            rows.values().for_each(|row| whereabouts.put(network, row.clone()));
        }
        let membership = Membership::new(self.id, self.epoch, seed, settings);
        self.agent = Some(Agent {
            whereabouts,
            membership,
            connected: BTreeMap::new(),
            lessors: BTreeMap::new(),
            asking: BTreeSet::new(),
        });
        self.follow(now, registry);
    }

    /// It knows that others are alive, in their first run.
    pub(crate) fn recall(&mut self, now: SimTime, others: &[NodeId]) {
        let instant = self.now(now);
        if let Some(agent) = &mut self.agent {
            agent.membership.recall(instant, others.iter().map(|id| (*id, 1)));
        }
    }

    /// What `app/agent` does with a new word of the registry.
    pub(crate) fn follow(&mut self, now: SimTime, registry: &Registry) {
        let instant = self.now(now);
        let Some(agent) = &mut self.agent else { return };
        agent.membership.set_nodes(instant, Arc::clone(&registry.roll));
        agent.whereabouts.set_members(instant, Arc::clone(&registry.members));
    }

    pub(crate) fn now(&self, time: SimTime) -> Instant {
        self.clock.show(time)
    }

    /// Whether it does anything at all.
    pub(crate) const fn runs(&self) -> bool {
        self.agent.is_some() && !self.paused
    }
}
