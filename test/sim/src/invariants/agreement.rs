//! When nothing is wrong any more, everybody has exactly what the owners say, and sees it.

use std::collections::BTreeMap;

use weft_model::{EndpointId, NetworkId};

use super::Violation;
use crate::node::Node;
use crate::world::World;

/// The first difference between what a host shows and what the owners' disks hold.
///
/// With many hosts it is enough that those of a network know the same of it: what they say of
/// themselves is among that, and contents are compared with few.
pub(crate) fn disagreement(world: &World) -> Option<Violation> {
    if let Some(network) = differing(world) {
        let details = format!("hosts on network {network} do not know the same");
        return Some(Violation::new("the cluster has not healed", details));
    }
    if !world.watch.strict {
        return None;
    }
    let truths: BTreeMap<NetworkId, Truth<'_>> =
        world.networks.iter().map(|network| (*network, truth(world, *network))).collect();
    world.nodes.iter().enumerate().find_map(|(at, node)| difference(at, node, &truths))
}

/// A network of which not all of its hosts know the same; those whose agent is away do not count.
fn differing(world: &World) -> Option<NetworkId> {
    let mut sums = BTreeMap::new();
    let running = world.nodes.iter().filter_map(|node| Some((node, node.agent.as_ref()?)));
    running
        .flat_map(|(node, agent)| node.rows.keys().map(move |network| (*network, agent)))
        .find_map(|(network, agent)| {
            let sum = agent.whereabouts.digest(network);
            (*sums.entry(network).or_insert(sum) != sum).then_some(network)
        })
}

type Truth<'a> = BTreeMap<EndpointId, (&'a Node, &'a weft_model::Endpoint)>;

fn truth(world: &World, network: NetworkId) -> Truth<'_> {
    let all = world.nodes.iter().filter_map(|node| Some((node, node.rows.get(&network)?)));
    let rows = all.flat_map(|(node, rows)| rows.iter().map(move |(id, row)| (*id, (node, row))));
    rows.collect()
}

fn difference(
    at: usize,
    node: &Node,
    truths: &BTreeMap<NetworkId, Truth<'_>>,
) -> Option<Violation> {
    let agent = node.agent.as_ref()?;
    truths.iter().find_map(|(network, truth)| {
        let on_it = node.rows.contains_key(network);
        let shown: Vec<_> = agent.whereabouts.rows(*network).collect();
        let wanted = if on_it { truth.len() } else { 0 };
        let wrong = shown.iter().find(|row| {
            let known = truth.get(&row.endpoint.id);
            !row.visible
                || known.is_none_or(|(owner, endpoint)| {
                    owner.id != row.owner || *endpoint != row.endpoint
                })
        });
        let details = match wrong {
            Some(row) if !row.visible => format!("host {at} takes {} for dead", row.owner),
            Some(row) => {
                let of = match truth.get(&row.endpoint.id) {
                    None => "gone".to_owned(),
                    Some((owner, _)) => format!("at {}", owner.id),
                };
                format!("host {at}: endpoint {} of {} is {of}", row.endpoint.id, row.owner)
            }
            None if shown.len() != wanted => {
                format!("host {at}: {} rows instead of {wanted}", shown.len())
            }
            None => return None,
        };
        Some(Violation::new("the cluster has not healed", details))
    })
}
