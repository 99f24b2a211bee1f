//! A command in words, for the history.

use std::fmt::Display;

use weft_model::{NetworkId, NodeId, Role};

use super::{Command, Want};
use crate::{Keeping, View};

impl Command {
    /// What is asked for, with the names that `view` knows. No secret is in it.
    #[must_use]
    pub fn told(&self, view: &View) -> String {
        let (of, at) = (|id: &NetworkId| network(view, *id), |id: &NodeId| node(view, *id));
        match self {
            Self::Found { node, .. } => format!("found the cluster on {}", node.name),
            Self::CreateNetwork(asked) => {
                format!("make network {}", named(asked.name.as_ref(), asked.id))
            }
            Self::NameNetwork { id, name, .. } => format!("call network {} {name}", id.short()),
            Self::RemoveNetwork { id } => format!("remove network {}", of(id)),
            Self::TornDown { network } => {
                format!("nothing is left here of network {}", of(network))
            }
            Self::ClaimBlock { network, want, known: _ } => claim(&of(network), *want),
            Self::ReleaseBlock { network, range } => {
                format!("give back {range} of {}", of(network))
            }
            Self::CedeAddress { network, address, to } => {
                format!("let {} have {address} of {}", at(to), of(network))
            }
            Self::PutNode(node) => format!("node {} is at {}", node.name, node.vtep),
            Self::SetRole { id, role } => format!("make {} a {}", at(id), word(*role)),
            Self::RemoveNode { id, force } => forced(format!("take {} out", at(id)), *force),
            Self::SetToken(token) => format!("another token for {}s", word(token.role)),
            Self::RotateCa { .. } => "another CA".to_owned(),
            Self::Certified { generation } => {
                format!("this host has a certificate of CA {generation}")
            }
            Self::Keep(Keeping::Managers) => "the managers keep the registry".to_owned(),
            Self::Keep(Keeping::Moving) => "the registry moves into an etcd".to_owned(),
            Self::Keep(Keeping::Etcd) => "an etcd keeps the registry".to_owned(),
            Self::RetireCa { force } => forced("trust the former CA no more".to_owned(), *force),
        }
    }
}

const fn word(role: Role) -> &'static str {
    match role {
        Role::Manager => "manager",
        Role::Worker => "worker",
    }
}

fn claim(network: &str, want: Want) -> String {
    match want {
        Want::Next => format!("addresses of {network} for this host"),
        Want::Holding(address) => format!("addresses of {network} around {address} for this host"),
    }
}

fn forced(told: String, force: bool) -> String {
    if force { format!("{told}, by force") } else { told }
}

fn network(view: &View, id: NetworkId) -> String {
    named(view.network(id).and_then(|network| network.name.as_ref()), id)
}

fn named(name: Option<&impl Display>, id: NetworkId) -> String {
    name.map_or_else(|| id.short(), ToString::to_string)
}

fn node(view: &View, id: NodeId) -> String {
    view.node(id).map_or_else(|| id.short(), |node| node.name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NetworkRequest;

    #[test]
    fn a_command_is_told_with_names() {
        let view = View::default();
        let id = NetworkId::from_random(7);
        let mut asked = NetworkRequest::new(id);
        asked.name = Some("app".parse().unwrap());
        assert_eq!(Command::CreateNetwork(asked).told(&view), "make network app");
        let removed = Command::RemoveNetwork { id }.told(&view);
        assert_eq!(removed, format!("remove network {}", id.short()));
        let node = NodeId::from_random(9);
        let told = Command::RemoveNode { id: node, force: true }.told(&view);
        assert_eq!(told, format!("take {} out, by force", node.short()));
    }
}
