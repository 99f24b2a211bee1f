//! Whoever is not on a network knows no row of it, so no name of it can resolve there.

use weft_model::NetworkId;
use weft_whereabouts::Whereabouts;

use super::Violation;

/// DESIGN: a name never resolves to a container on a network that the asker is not on.
#[derive(Debug)]
pub(crate) struct OwnNetworks;

impl OwnNetworks {
    pub(crate) fn look(whereabouts: &Whereabouts, network: NetworkId) -> Option<Violation> {
        if whereabouts.networks().contains(&network) {
            return None;
        }
        let row = whereabouts.rows(network).next()?;
        let details = format!("{network}: endpoint {}", row.endpoint.id);
        Some(Violation::new("a node shows a row of a network that it is not on", details))
    }
}
