//! The state at the agent's start: what was remembered, and nothing else.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::watch;
use weft_membership::{Membership, Settings};
use weft_model::{Mtu, Node};
use weft_plan::Engine;
use weft_transport::MeshHandle;
use weft_whereabouts::{Members, Notary, Whereabouts};

use super::{Outputs, State};
use crate::local::{Local, Remembered};
use crate::metrics::Counters;
use crate::registry::Followed;

/// Clients ask again for longer than this, and the redirect outlives a short restart.
const SILENCE: Duration = Duration::from_secs(2);

/// What the state begins with.
#[derive(Debug)]
pub(crate) struct Start {
    /// This host.
    pub(crate) me: Node,
    /// Signs its rows.
    pub(crate) notary: Arc<dyn Notary>,
    /// What it remembers.
    pub(crate) remembered: Remembered,
    /// Where it writes.
    pub(crate) local: Local,
    /// Its way to the others.
    pub(crate) mesh: MeshHandle,
    /// The registry as it becomes known.
    pub(crate) registry: watch::Receiver<Followed>,
    /// What the underlay leaves inside VXLAN.
    pub(crate) inner_mtu: Mtu,
    /// Who carries frames.
    pub(crate) engine: Engine,
    /// The egress bridge's address and range.
    pub(crate) egress: IpNet,
    /// Where it serves metrics.
    pub(crate) metrics: Option<SocketAddr>,
    /// The daemon's numbers.
    pub(crate) counters: Counters,
    /// Where the consequences go.
    pub(crate) out: Outputs,
}

impl Start {
    /// Builds the state; its tables are full before anybody reads them.
    pub(crate) fn build(self) -> State {
        let Self {
            me,
            notary,
            remembered,
            local,
            mesh,
            registry,
            inner_mtu,
            engine,
            egress,
            metrics,
            counters,
            out,
        } = self;
        let followed = registry.borrow().clone();
        let now = State::now();
        let (epoch, seed) = (remembered.epoch, rand::random());
        let membership = Membership::new(me.id, epoch, seed, Settings::default());
        let mut state = State {
            whereabouts: Whereabouts::new(me.id, epoch, rand::random(), notary),
            members: Members::default(),
            membership,
            me,
            local,
            mesh,
            registry,
            followed,
            lessors: BTreeMap::new(),
            remembered_leases: remembered.leases,
            retiring: std::collections::BTreeSet::new(),
            given_back: remembered.given_back,
            attachments: BTreeMap::new(),
            unkept_lives: std::collections::BTreeSet::new(),
            docker_networks: remembered.docker_networks,
            last_macs: Arc::default(),
            inner_mtu,
            engine,
            egress,
            metrics,
            since: remembered.attachments.keys().map(|id| (*id, now)).collect(),
            known_since: Arc::default(),
            disowned: false,
            doubled: false,
            silent_until: Some(now + SILENCE),
            claims: weft_registry::Claims::default(),
            rejected: crate::lately::Lately::default(),
            orphans: super::orphan::Orphans::default(),
            counters,
            out,
        };
        // The first word to others is to be complete: rows come before the registry's nodes.
        for attachment in remembered.attachments.into_values() {
            if attachment.joined {
                state.announce(&attachment);
            }
            state.attachments.insert(attachment.endpoint.id, attachment);
        }
        state.take_registry();
        state
    }
}
