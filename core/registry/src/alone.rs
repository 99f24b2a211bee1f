//! A registry as it is when one manager is left of all.

use weft_model::{Node, Role};

use crate::{Entry, Key, Snapshot, View, ViewError};

/// The same registry with `node` as its only manager: the others are workers, and `node` is as it is
/// given, whether it was there or not. Its name must be free or its own.
///
/// # Errors
///
/// [`ViewError`] if the registry cannot be read.
pub fn with_only_manager(registry: &Snapshot, node: &Node) -> Result<Snapshot, ViewError> {
    let view = View::from_snapshot(registry)?;
    let demoted = view
        .nodes()
        .values()
        .filter(|other| other.id != node.id)
        .map(|other| Node { role: Role::Worker, ..other.clone() });
    let mut nodes: Vec<Node> = demoted.collect();
    nodes.push(Node { role: Role::Manager, ..node.clone() });
    let mut entries: Vec<Entry> = registry.entries.clone();
    for node in &nodes {
        put(&mut entries, registry, &Key::Node(node.id), node);
    }
    put(&mut entries, registry, &Key::NodeName(node.name.clone()), &node.id);
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(Snapshot { revision: registry.revision, entries })
}

fn put(entries: &mut Vec<Entry>, of: &Snapshot, key: &Key, value: &impl serde::Serialize) {
    let key = key.to_string();
    // Types of the registry always write.
    let value = serde_json::to_vec(value).unwrap_or_default();
    entries.retain(|entry| entry.key != key);
    entries.push(Entry { key, value, modified: of.revision });
}

#[cfg(test)]
mod tests {
    use weft_model::{NodeId, PublicKey, Vtep};

    use super::*;

    fn node(n: u8, role: Role) -> Node {
        Node {
            id: NodeId::from_random(n.into()),
            key: PublicKey::from_point([[n; 32]; 2]),
            name: format!("n{n}").parse().unwrap(),
            role,
            vtep: Vtep([192, 0, 2, n].into()),
            control: ([192, 0, 2, n], 4788).into(),
        }
    }

    fn registry(nodes: &[Node]) -> Snapshot {
        let mut entries = Vec::new();
        let of = Snapshot { revision: 9, entries: Vec::new() };
        for node in nodes {
            put(&mut entries, &of, &Key::Node(node.id), node);
            put(&mut entries, &of, &Key::NodeName(node.name.clone()), &node.id);
        }
        Snapshot { revision: 9, entries }
    }

    #[test]
    fn one_manager_is_left_whether_it_was_there_or_not() {
        let before = registry(&[node(1, Role::Manager), node(2, Role::Manager)]);
        for left in [node(2, Role::Manager), node(3, Role::Worker)] {
            let after = with_only_manager(&before, &left).unwrap();
            let view = View::from_snapshot(&after).unwrap();
            let managers = view.nodes().values().filter(|node| node.role == Role::Manager);
            assert_eq!(managers.map(|node| node.id).collect::<Vec<_>>(), [left.id]);
            assert_eq!(view.node_named(&left.name).map(|node| node.id), Some(left.id));
            assert_eq!(after.revision, before.revision);
        }
    }

    #[test]
    fn a_manager_that_has_moved_is_found_where_it_is() {
        let before = registry(&[node(1, Role::Manager)]);
        let moved = Node { vtep: Vtep([192, 0, 2, 77].into()), ..node(1, Role::Manager) };
        let after = View::from_snapshot(&with_only_manager(&before, &moved).unwrap()).unwrap();
        assert_eq!(after.node(moved.id), Some(&moved));
        assert_eq!(after.nodes().len(), 1);
    }
}
