//! Rows of other nodes that are not believed: left out of everything, counted, told.

use std::collections::BTreeSet;

use weft_model::{EndpointId, NodeId};
use weft_registry::{Claim, Doubt, FalseClaim, Row};

use super::State;

impl State {
    /// The rows that are not to be believed now.
    pub(super) fn disbelieved(&mut self) -> BTreeSet<(NodeId, EndpointId)> {
        let view = &self.followed.view;
        let (me, whereabouts) = (self.me.id, &self.whereabouts);
        let rows = view.networks().keys().flat_map(|&network| {
            whereabouts.rows(network).map(move |row| Row {
                network,
                owner: row.owner,
                endpoint: row.endpoint,
                visible: row.visible,
                own: row.owner == me,
            })
        });
        let rows: Vec<Row<'_>> = rows.collect();
        let held = self.claims.judge(Self::now(), (view, self.followed.is_fresh()), &rows);
        while let Some(claim) = self.claims.poll_told() {
            self.counters.false_claims.inc();
            self.tell(&claim);
        }
        held
    }

    fn tell(&self, claim: &FalseClaim) {
        let FalseClaim { network, by, endpoint, doubt } = claim;
        let node = self.called(*by);
        let what = match doubt {
            Doubt::Address(Claim::Foreign { address, owner: Some(owner) }) => {
                format!("address {address} is in a block of node {}", self.called(*owner))
            }
            Doubt::Address(Claim::Foreign { address, owner: None }) => {
                format!("address {address} is one that no workload may have")
            }
            Doubt::Address(Claim::Unclaimed(address)) => {
                format!("address {address} is in no block of the node's")
            }
            Doubt::Address(Claim::Owned) => "its address".to_owned(),
            Doubt::Mac { mac, owner } => {
                format!("MAC {mac} is that of an endpoint on node {}", self.called(*owner))
            }
        };
        tracing::error!(%network, node, %endpoint, error = what, hint = HINT, "a node claims what is not its own");
    }

    fn called(&self, node: NodeId) -> String {
        self.followed.view.node(node).map_or_else(|| node.short(), |node| node.name.to_string())
    }
}

/// What to do about a node that claims what is not its own.
pub(crate) const HINT: &str = "its row is not believed and nothing is sent there; look at that host: its \
    state was restored from an old copy, or its agent is in wrong hands; weft node rm shuts it out";
