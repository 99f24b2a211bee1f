//! What changed between two beliefs.

use std::collections::{BTreeMap, BTreeSet};

use weft_model::EndpointId;

use crate::{Belief, Change, Row};

/// The changes that make `before` `after`, in an order in which each one makes sense: nodes and
/// networks come before what is on them, and go after it.
#[must_use]
pub fn changes(before: &Belief, after: &Belief) -> Vec<Change> {
    let mut found = Vec::new();
    of_the_node(before, after, &mut found);
    let mut gone = Vec::new();
    for_each(&before.nodes, &after.nodes, |difference| match difference {
        Difference::Came(_, node) => found.push(Change::NodeJoined { node: node.clone() }),
        Difference::Changed(_, _, node) => found.push(Change::NodeChanged { node: node.clone() }),
        Difference::Gone(id) => gone.push(Change::NodeLeft { id: *id }),
    });
    let down = after.down.difference(&before.down).map(|id| Change::NodeDown { id: *id });
    let up = before.down.difference(&after.down).map(|id| Change::NodeUp { id: *id });
    found.extend(down.chain(up));
    for_each(&before.networks, &after.networks, |difference| match difference {
        Difference::Came(_, network) => {
            found.push(Change::NetworkMade { network: network.clone() });
        }
        Difference::Changed(_, _, network) => {
            found.push(Change::NetworkChanged { network: network.clone() });
        }
        Difference::Gone(id) => gone.insert(0, Change::NetworkRemoved { id: *id }),
    });
    of_holdings(before, after, &mut found);
    for_each(&before.endpoints, &after.endpoints, |difference| match difference {
        Difference::Came(_, row) => found.push(Change::EndpointCame { row: row.clone() }),
        Difference::Changed(id, old, new) => found.push(of_row(*id, old, new)),
        Difference::Gone(id) => found.push(Change::EndpointGone { id: *id }),
    });
    found.extend(gone);
    found
}

fn of_row(id: EndpointId, old: &Row, new: &Row) -> Change {
    let same = Row { visible: new.visible, ..old.clone() } == *new;
    match (same, new.visible) {
        (true, true) => Change::EndpointShown { id },
        (true, false) => Change::EndpointHidden { id },
        (false, _) => Change::EndpointChanged { row: new.clone() },
    }
}

fn of_the_node(before: &Belief, after: &Belief, found: &mut Vec<Change>) {
    let turned = |old: bool, new: bool, on: Change, off: Change| match (old, new) {
        (false, true) => Some(on),
        (true, false) => Some(off),
        _ => None,
    };
    let Belief { managed, disowned, .. } = before;
    found.extend(turned(*managed, after.managed, Change::ManagerFound, Change::ManagerLost));
    found.extend(turned(*disowned, after.disowned, Change::Disowned, Change::Owned));
}

/// Blocks, leases and Docker's names.
fn of_holdings(before: &Belief, after: &Belief, found: &mut Vec<Change>) {
    let (came, gone) = both(&before.blocks, &after.blocks);
    found.extend(came.map(|(network, range)| Change::BlockTaken { network, range }));
    let blocks = gone.map(|(network, range)| Change::BlockGiven { network, range });
    let (came, gone) = both(&before.leases, &after.leases);
    found.extend(came.map(|(network, address)| Change::AddressLeased { network, address }));
    found.extend(gone.map(|(network, address)| Change::AddressReleased { network, address }));
    found.extend(blocks);
    for_each(&before.mirrored, &after.mirrored, |difference| match difference {
        Difference::Came(docker, network) | Difference::Changed(docker, _, network) => {
            found.push(Change::Mirrored { network: *network, docker: docker.clone() });
        }
        Difference::Gone(docker) => found.push(Change::Unmirrored { docker: docker.clone() }),
    });
}

fn both<'a, T: Ord + Copy>(
    before: &'a BTreeSet<T>,
    after: &'a BTreeSet<T>,
) -> (impl Iterator<Item = T> + 'a, impl Iterator<Item = T> + 'a) {
    (after.difference(before).copied(), before.difference(after).copied())
}

enum Difference<'a, K, V> {
    Came(&'a K, &'a V),
    Changed(&'a K, &'a V, &'a V),
    Gone(&'a K),
}

fn for_each<'a, K: Ord, V: PartialEq>(
    before: &'a BTreeMap<K, V>,
    after: &'a BTreeMap<K, V>,
    mut tell: impl FnMut(Difference<'a, K, V>),
) {
    let gone = before.keys().filter(|key| !after.contains_key(key));
    gone.for_each(|key| tell(Difference::Gone(key)));
    for (key, new) in after {
        match before.get(key) {
            None => tell(Difference::Came(key, new)),
            Some(old) if old != new => tell(Difference::Changed(key, old, new)),
            Some(_same) => {}
        }
    }
}
