//! The registry as a node knows it, and how it knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;
use weft_api::{ApiProblem, ProblemKind};
use weft_model::{Node, NodeId, Role};
use weft_registry::{Keeping, View};

use crate::problem::problem;

/// The registry as this node knows it.
#[derive(Clone, Debug)]
pub(crate) struct Followed {
    /// What it says.
    pub(crate) view: Arc<View>,
    /// The manager that confirms it at this moment, with a majority behind it: what it knew when it was
    /// asked has been taken in, and it is heard from.
    pub(crate) from: Option<NodeId>,
    /// The manager that puts changes in order, as far as that is known.
    pub(crate) leader: Option<NodeId>,
    /// Since when [`Self::from`] is as it is.
    pub(crate) since: Instant,
    /// Whether any manager could be asked lately, though perhaps none confirmed.
    pub(crate) reached: bool,
}

impl Followed {
    /// The registry as it was when the agent ended, before a manager confirms it.
    pub(crate) fn stale(view: View) -> Self {
        let (view, since) = (Arc::new(view), Instant::now());
        Self { view, from: None, leader: None, since, reached: false }
    }

    /// Whether a manager confirms the view at this moment.
    pub(crate) const fn is_fresh(&self) -> bool {
        self.from.is_some()
    }

    /// Why the registry cannot be changed now.
    pub(crate) fn unconfirmed(&self) -> ApiProblem {
        let keeping = self.view.cluster().map(|cluster| cluster.keeping);
        if self.reached && keeping == Some(Keeping::Etcd) {
            return problem(ProblemKind::Unavailable, ETCD_IS_AWAY, SEE_ETCD);
        }
        let nodes = self.view.nodes().values();
        let several = nodes.filter(|node| node.role == Role::Manager).count() > 1;
        if self.reached && several {
            return problem(ProblemKind::Unavailable, MOST_ARE_AWAY, BRING_BACK);
        }
        problem(ProblemKind::Unavailable, NONE_ANSWERS, GOES_ON)
    }
}

/// The managers other than this node.
pub(crate) fn managers(nodes: &BTreeMap<NodeId, Node>, me: NodeId) -> Vec<NodeId> {
    let others = nodes.values().filter(|node| node.role == Role::Manager && node.id != me);
    others.map(|node| node.id).collect()
}

const MOST_ARE_AWAY: &str =
    "most managers are away: the registry can be neither changed nor confirmed now";
const BRING_BACK: &str = "running containers go on, and new ones start while this host's address blocks last; bring the \
     managers back (weft node ls shows which are away), or, if they are gone for good, make one that \
     is left the only one: weft recover";
const ETCD_IS_AWAY: &str = "the managers do not reach the etcd that keeps the registry: it can be neither changed nor confirmed now";
const SEE_ETCD: &str = "running containers go on, and new ones start while this host's address blocks last; look at etcd, \
     and on a manager at `weft status`";
const NONE_ANSWERS: &str = "no manager answers: the registry cannot be changed now";
const GOES_ON: &str = "running containers go on, and new ones start while this host's address blocks last; \
     see which node is away: weft node ls";

#[cfg(test)]
mod tests {
    use weft_model::{PublicKey, Vtep};
    use weft_registry::{Entry, Key, Snapshot};

    use super::*;

    fn view(managers: u8) -> View {
        let entry = |n: u8| {
            let node = Node {
                id: NodeId::from_random(n.into()),
                key: PublicKey::from_point([[n; 32]; 2]),
                name: format!("m{n}").parse().unwrap(),
                role: Role::Manager,
                vtep: Vtep([192, 0, 2, n].into()),
                control: ([192, 0, 2, n], 4788).into(),
            };
            let value = serde_json::to_vec(&node).unwrap();
            Entry { key: Key::Node(node.id).to_string(), value, modified: 1 }
        };
        let entries = (1..=managers).map(entry).collect();
        View::from_snapshot(&Snapshot { revision: 1, entries }).unwrap()
    }

    #[test]
    fn a_lost_majority_is_told_apart_from_managers_that_are_not_reached() {
        let reached = Followed { reached: true, ..Followed::stale(view(3)) };
        let problem = reached.unconfirmed();
        assert!(problem.error.starts_with("most managers are away"), "{problem}");
        assert!(problem.hint.contains("weft recover") && problem.hint.contains("bring"));
        let cut_off = Followed::stale(view(3)).unconfirmed();
        assert!(cut_off.error.starts_with("no manager answers"), "{cut_off}");
        let alone = Followed { reached: true, ..Followed::stale(view(1)) };
        assert!(!alone.unconfirmed().hint.contains("recover"));
    }
}
