//! The first command of all.

use weft_model::{Node, Role};

use super::draft::Draft;
use super::{Decision, Outcome, Situation};
use crate::{Cluster, Key, Refused, TokenHash};

pub(super) fn found(
    situation: &Situation<'_>,
    cluster: &Cluster,
    node: &Node,
    tokens: &[TokenHash],
) -> Result<Decision, Refused> {
    if let Some(cluster) = situation.view.cluster() {
        return Err(Refused::AlreadyFounded(cluster.name.clone()));
    }
    if node.id != situation.by || node.role != Role::Manager {
        let what = "found a cluster for another node, or as a worker";
        return Err(Refused::NotAllowed { by: situation.by, what });
    }
    let draft = Draft::new(situation.view)
        .absent(&Key::Cluster)
        .put(&Key::Node(node.id), node)
        .put(&Key::NodeName(node.name.clone()), &node.id);
    let draft = tokens.iter().fold(draft, |draft, token| draft.put(&Key::Token(token.role), token));
    Ok(draft.put(&Key::Cluster, cluster).decided(Outcome::Done))
}
