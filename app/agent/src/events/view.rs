//! Events and beliefs as people and programs see them.

use std::time::{Duration, SystemTime};

use weft_api::{BeliefView, BelievedEndpoint, BelievedNetwork, BelievedNode, EventView};
use weft_events::{Event, Moment, Recalled, Row};

use crate::told::rfc3339;

/// A time as the history keeps it.
pub(crate) fn moment(at: SystemTime) -> Moment {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Moment(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A time of the history, RFC 3339.
pub(crate) fn seen(at: Moment) -> String {
    rfc3339(SystemTime::UNIX_EPOCH + Duration::from_millis(at.0)).unwrap_or_default()
}

/// One event of `host`.
pub(super) fn view(host: &str, event: &Event) -> EventView {
    EventView {
        seq: event.seq,
        at: seen(event.at),
        host: host.to_owned(),
        what: event.change.word().to_owned(),
        told: event.told.clone(),
        who: event.who.clone(),
        why: event.why.clone(),
        change: serde_json::to_value(&event.change).unwrap_or_default(),
    }
}

/// What `host` believed.
pub(crate) fn believed(host: &str, asked: Moment, recalled: &Recalled) -> BeliefView {
    let belief = &recalled.belief;
    let network = |row: &Row| {
        let name = belief.networks.get(&row.network).and_then(|network| network.name.as_ref());
        name.map_or_else(|| row.network.short(), ToString::to_string)
    };
    let node = |row: &Row| {
        let node = belief.nodes.get(&row.owner);
        node.map_or_else(|| row.owner.short(), |node| node.name.to_string())
    };
    BeliefView {
        host: host.to_owned(),
        at: seen(asked),
        away: recalled.away(),
        managed: belief.managed,
        last: recalled.last.as_ref().map(|event| view(host, event)),
        next: recalled.next.as_ref().map(|event| view(host, event)),
        nodes: belief
            .nodes
            .values()
            .map(|node| BelievedNode {
                name: node.name.to_string(),
                address: node.vtep.0,
                up: !belief.down.contains(&node.id),
            })
            .collect(),
        networks: belief
            .networks
            .values()
            .map(|network| BelievedNetwork {
                name: network.name.as_ref().map_or_else(|| network.id.short(), ToString::to_string),
                vni: network.vni.number(),
            })
            .collect(),
        endpoints: belief
            .endpoints
            .values()
            .map(|row| BelievedEndpoint {
                name: row.endpoint.name.as_ref().map(ToString::to_string),
                network: network(row),
                node: node(row),
                addresses: row.endpoint.addresses.clone(),
                mac: row.endpoint.mac,
                visible: row.visible,
            })
            .collect(),
    }
}
