//! The state at the agent's start: what was remembered, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::watch;
use weft_membership::Membership;
use weft_model::{Mtu, Node};
use weft_transport::MeshHandle;
use weft_whereabouts::Whereabouts;

use super::{Outputs, State};
use crate::local::{Local, Remembered};
use crate::metrics::Counters;
use crate::registry::Followed;

/// The names of a node that cannot be talked to are hidden after this time.
///
/// The connection itself is given up 2.5 to 3 s after a host's last word; together that is less
/// than the 5 s within which a crashed host's names are gone.
const HIDE_AFTER: Duration = Duration::from_millis(1500);

/// Clients ask again for longer than this, and the redirect outlives a short restart.
const SILENCE: Duration = Duration::from_secs(2);

/// What the state begins with.
#[derive(Debug)]
pub(crate) struct Start {
    /// This host.
    pub(crate) me: Node,
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
    /// The egress bridge's address and range.
    pub(crate) egress: IpNet,
    /// The daemon's numbers.
    pub(crate) counters: Counters,
    /// Where the consequences go.
    pub(crate) out: Outputs,
}

impl Start {
    /// Builds the state; its tables are full before anybody reads them.
    pub(crate) fn build(self) -> State {
        let Self { me, remembered, local, mesh, registry, inner_mtu, egress, counters, out } = self;
        let followed = registry.borrow().clone();
        let now = State::now();
        let mut state = State {
            whereabouts: Whereabouts::new(me.id, remembered.epoch),
            membership: Membership::new(HIDE_AFTER),
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
            docker_networks: remembered.docker_networks,
            last_macs: Arc::default(),
            inner_mtu,
            egress,
            since: remembered.attachments.keys().map(|id| (*id, now)).collect(),
            silent_until: Some(now + SILENCE),
            orphans: super::orphan::Orphans::default(),
            counters,
            out,
        };
        state.take_registry();
        for attachment in remembered.attachments.into_values() {
            if attachment.joined {
                state.announce(&attachment);
            }
            state.attachments.insert(attachment.endpoint.id, attachment);
        }
        state
    }
}

/// The registry as it was when the agent ended, before a manager confirms it.
pub(crate) fn stale(view: weft_registry::View) -> Followed {
    Followed { view: Arc::new(view), fresh: false }
}
