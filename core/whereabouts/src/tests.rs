//! The machine as its users see it.

use std::collections::BTreeSet;

use weft_model::{Endpoint, EndpointId, MacAddr};

pub(crate) fn endpoint(id: u128) -> Endpoint {
    let [.., a, b, c] = id.to_be_bytes();
    Endpoint {
        id: EndpointId::from_random(id),
        mac: MacAddr::from_random([2, 0, 0, a, b, c]),
        addresses: vec![[10, a, b, c].into()],
        name: None,
        aliases: BTreeSet::new(),
    }
}
