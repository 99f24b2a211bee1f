//! Rules of others at the places that a packet passes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use futures::future::join_all;
use serde_json::Value;
use tokio::task::spawn_blocking;
use weft_doctor::firewall::{self, Packet};
use weft_doctor::{Finding, Severity};
use weft_kernel::{Netns, host};
use weft_model::Hop;
use weft_trace::Obstacle;

/// A packet in a namespace; without one, in the host's.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) hop: Hop,
    pub(super) netns: Option<Netns>,
    pub(super) packet: Packet,
}

/// What rules do to a packet.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    /// Those that are in the way for sure.
    pub(super) obstacles: Vec<Obstacle>,
    /// The host's own, if they were read.
    pub(super) host: Option<Arc<Value>>,
}

/// Reads the rules of each namespace once, all at the same time, and judges every place.
pub(super) async fn obstacles(places: Vec<Place>) -> Rules {
    let mut spaces: BTreeMap<Option<u64>, Option<Netns>> = BTreeMap::new();
    for place in &places {
        spaces.insert(place.netns.as_ref().map(Netns::inode), place.netns.clone());
    }
    let read = spaces.into_iter().map(async |(inode, netns)| (inode, read(netns).await));
    let read: BTreeMap<Option<u64>, Option<Arc<Value>>> =
        join_all(read).await.into_iter().collect();
    let judged = places.iter().flat_map(|place| {
        let inode = place.netns.as_ref().map(Netns::inode);
        let ruleset = read.get(&inode).and_then(Option::as_ref);
        ruleset.map(|ruleset| judge(place, ruleset)).unwrap_or_default()
    });
    Rules { obstacles: judged.collect(), host: read.get(&None).cloned().flatten() }
}

async fn read(netns: Option<Netns>) -> Option<Arc<Value>> {
    let listed = spawn_blocking(move || match netns {
        Some(netns) => host::ruleset_in(&netns),
        None => host::ruleset(),
    });
    listed.await.ok()?.ok().map(Arc::new)
}

fn judge(place: &Place, ruleset: &Value) -> Vec<Obstacle> {
    let found = firewall::judge("", ruleset, &place.packet, "the packet");
    let sure = found.into_iter().filter(|finding| finding.severity == Severity::Error);
    sure.map(|Finding { what, remedy, .. }| Obstacle { hop: place.hop, what, remedy }).collect()
}

/// Whether the set of members in `inet weft` has an address; nothing if there is no such set.
pub(super) fn is_listed(ruleset: &Value, address: IpAddr) -> Option<bool> {
    let name = if address.is_ipv4() { "peers" } else { "peers6" };
    let objects = ruleset.get("nftables")?.as_array()?;
    let sets = objects.iter().filter_map(|object| object.get("set"));
    let set = sets
        .into_iter()
        .find(|set| set["family"] == "inet" && set["table"] == "weft" && set["name"] == name)?;
    let elements = set.get("elem").and_then(Value::as_array);
    Some(elements.is_some_and(|all| all.iter().any(|one| *one == address.to_string().as_str())))
}
