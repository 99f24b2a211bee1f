//! A row outlives its owner's word at no host that has heard it: what is gone never comes back.

use std::collections::{BTreeMap, BTreeSet};

use weft_model::{EndpointId, NetworkId};
use weft_whereabouts::Whereabouts;

use super::Violation;

/// What each host showed, and what it has seen the end of.
#[derive(Debug, Default)]
pub(crate) struct NoResurrection {
    ended: BTreeSet<EndpointId>,
    shown: BTreeMap<(usize, NetworkId), BTreeSet<EndpointId>>,
    gone: BTreeMap<usize, BTreeSet<EndpointId>>,
}

impl NoResurrection {
    pub(crate) fn ended(&mut self, id: EndpointId) {
        self.ended.insert(id);
    }

    pub(crate) fn look(
        &mut self,
        at: usize,
        whereabouts: &Whereabouts,
        network: NetworkId,
    ) -> Option<Violation> {
        let now: BTreeSet<_> = whereabouts.rows(network).map(|row| row.endpoint.id).collect();
        let before = self.shown.insert((at, network), now.clone()).unwrap_or_default();
        let gone = self.gone.entry(at).or_default();
        gone.extend(before.difference(&now).filter(|id| self.ended.contains(id)));
        let back = now.iter().find(|id| gone.contains(id))?;
        let details = format!("host {at}, endpoint {back}");
        Some(Violation::new("a row came back that its owner had ended", details))
    }

    /// The host started anew: it has heard nothing.
    pub(crate) fn forget(&mut self, at: usize) {
        self.gone.remove(&at);
        self.shown.retain(|(node, _), _| *node != at);
    }

    /// The host dropped the rows by itself: that is nobody's word.
    pub(crate) fn left(&mut self, at: usize, network: NetworkId) {
        self.shown.remove(&(at, network));
    }
}
