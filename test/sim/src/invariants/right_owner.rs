//! A row is shown under the node that it belongs to and under no other.

use std::collections::BTreeMap;

use weft_model::{EndpointId, NetworkId, NodeId};
use weft_whereabouts::Whereabouts;

use super::Violation;

/// The owner of every endpoint that ever was.
#[derive(Debug, Default)]
pub(crate) struct RightOwner {
    owners: BTreeMap<EndpointId, NodeId>,
}

impl RightOwner {
    pub(crate) fn started(&mut self, id: EndpointId, owner: NodeId) {
        self.owners.insert(id, owner);
    }

    pub(crate) fn look(&self, whereabouts: &Whereabouts, network: NetworkId) -> Option<Violation> {
        let wrong = whereabouts.rows(network).find(|row| {
            self.owners.get(&row.endpoint.id).is_some_and(|true_| *true_ != row.owner)
        })?;
        let details = format!("endpoint {} under node {}", wrong.endpoint.id, wrong.owner);
        Some(Violation::new("a row stands under a node that does not own it", details))
    }
}
