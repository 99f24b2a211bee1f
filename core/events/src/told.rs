//! A change in words: what, by whom, why. With the names that things have at that time.

use std::fmt::Display;

use weft_model::{EndpointId, NetworkId, NodeId};

use crate::{Belief, Change, Row};

/// The words for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What happened.
    pub what: String,
    /// Who did it.
    pub who: String,
    /// Why.
    pub why: String,
}

/// Tells of a change that is about to be applied to `belief`, at node `me`.
#[must_use]
pub fn told(change: &Change, belief: &Belief, me: Option<NodeId>) -> Told {
    let names = Names { belief, me };
    Told { what: names.what(change), who: names.who(change), why: names.why(change) }
}

struct Names<'a> {
    belief: &'a Belief,
    me: Option<NodeId>,
}

impl Names<'_> {
    fn node(&self, id: NodeId) -> String {
        self.belief.nodes.get(&id).map_or_else(|| id.short(), |node| node.name.to_string())
    }

    fn network(&self, id: NetworkId) -> String {
        let name = self.belief.networks.get(&id).and_then(|network| network.name.as_ref());
        name.map_or_else(|| id.short(), ToString::to_string)
    }

    fn row(&self, row: &Row) -> String {
        let endpoint = &row.endpoint;
        let name = endpoint.name.as_ref().map_or_else(|| endpoint.id.short(), ToString::to_string);
        let network = self.network(row.network);
        match endpoint.addresses.first() {
            Some(address) => format!("{name} ({address}) on {network} at {}", self.node(row.owner)),
            None => format!("{name} on {network} at {}", self.node(row.owner)),
        }
    }

    fn changed(&self, row: &Row) -> String {
        if self.loses_its_names(row) {
            return format!("{} is found by no name any more", self.known(row.endpoint.id));
        }
        format!("{} changed", self.row(row))
    }

    /// An endpoint has names until its process ends.
    fn loses_its_names(&self, row: &Row) -> bool {
        let before = self.belief.endpoints.get(&row.endpoint.id);
        let named = |row: &Row| row.endpoint.names().next().is_some();
        before.is_some_and(named) && !named(row)
    }

    fn known(&self, id: EndpointId) -> String {
        self.belief.endpoints.get(&id).map_or_else(|| id.short(), |row| self.row(row))
    }

    fn what(&self, change: &Change) -> String {
        match change {
            Change::NodeJoined { node } => format!("node {} joined, at {}", node.name, node.vtep.0),
            Change::NodeChanged { node } => format!("node {} is now at {}", node.name, node.vtep.0),
            Change::NodeLeft { id } => format!("node {} left", self.node(*id)),
            Change::NodeDown { id } => format!("node {} is down", self.node(*id)),
            Change::NodeUp { id } => format!("node {} is up", self.node(*id)),
            Change::NetworkMade { network } => {
                let name = network.name.as_ref();
                let name = name.map_or_else(|| network.id.short(), ToString::to_string);
                format!("network {name} was made, VNI {}", network.vni)
            }
            Change::NetworkChanged { network } => {
                format!("network {} was changed", self.network(network.id))
            }
            Change::NetworkRemoved { id } => format!("network {} was removed", self.network(*id)),
            Change::EndpointCame { row } => format!("{} came", self.row(row)),
            Change::EndpointChanged { row } => self.changed(row),
            Change::EndpointGone { id } => format!("{} went", self.known(*id)),
            Change::EndpointHidden { id } => format!("{} is hidden", self.known(*id)),
            Change::EndpointShown { id } => format!("{} is shown again", self.known(*id)),
            Change::BlockTaken { network, range } => self.held("took the block", range, *network),
            Change::BlockGiven { network, range } => self.held("lost the block", range, *network),
            Change::AddressLeased { network, address } => self.held("leased", address, *network),
            Change::AddressReleased { network, address } => self.held("freed", address, *network),
            Change::Mirrored { network, docker } => {
                format!("Docker has network {} as {}", self.network(*network), short(docker))
            }
            Change::Unmirrored { docker } => format!("Docker's network {} went", short(docker)),
            Change::ManagerFound => "a manager answers".to_owned(),
            Change::ManagerLost => "no manager answers".to_owned(),
            Change::Disowned => "this host was taken out of its cluster".to_owned(),
            Change::Owned => "this host is a member again".to_owned(),
            Change::AgentStarted { version } => format!("the agent started, version {version}"),
            Change::AgentStopped => "the agent ended; packets flow on".to_owned(),
            Change::Commanded { command, refused: None, .. } => {
                format!("asked the registry: {command}")
            }
            Change::Commanded { command, refused: Some(why), .. } => {
                format!("asked the registry in vain: {command}: {why}")
            }
            Change::KernelApplied { changes } => match changes.as_slice() {
                [one] => format!("the kernel was programmed: {one}"),
                all => format!("the kernel was programmed: {} changes", all.len()),
            },
            Change::KernelDrift { difference } => format!("the kernel differed: {difference}"),
            Change::KernelRefused { change, reason } => {
                format!("the kernel refused: {change}: {reason}")
            }
            Change::ReconcilePaused => "the kernel is left as it is".to_owned(),
            Change::ReconcileResumed => "the kernel is kept as it should be again".to_owned(),
            Change::DockerFound { version } => format!("Docker {version} answers"),
            Change::DockerLost => "Docker does not answer".to_owned(),
            Change::DockerTroubled { trouble } => format!("trouble with Docker: {trouble}"),
            Change::DockerMended { trouble } => format!("no trouble any more: {trouble}"),
            Change::CertificateRenewed { until } => {
                format!("a certificate that lasts until {until}")
            }
        }
    }

    fn held(&self, did: &str, what: impl Display, network: NetworkId) -> String {
        format!("{did} {what} of {}", self.network(network))
    }

    fn who(&self, change: &Change) -> String {
        match change {
            Change::NodeJoined { .. }
            | Change::NodeChanged { .. }
            | Change::NodeLeft { .. }
            | Change::NetworkMade { .. }
            | Change::NetworkChanged { .. }
            | Change::NetworkRemoved { .. }
            | Change::BlockTaken { .. }
            | Change::BlockGiven { .. }
            | Change::Disowned
            | Change::Owned => "the registry".to_owned(),
            Change::EndpointCame { row } | Change::EndpointChanged { row } => self.owner(row.owner),
            Change::EndpointGone { id } => match self.belief.endpoints.get(id) {
                Some(row) => self.owner(row.owner),
                None => OWN.to_owned(),
            },
            Change::Mirrored { .. }
            | Change::Unmirrored { .. }
            | Change::DockerFound { .. }
            | Change::DockerLost
            | Change::DockerTroubled { .. }
            | Change::DockerMended { .. } => "this host's Docker".to_owned(),
            Change::KernelDrift { .. } => "somebody else on this host".to_owned(),
            Change::KernelRefused { .. } => "the kernel".to_owned(),
            Change::Commanded { by: Some(by), .. } => by.clone(),
            Change::ReconcilePaused | Change::ReconcileResumed => {
                "somebody on this host".to_owned()
            }
            _ => OWN.to_owned(),
        }
    }

    fn owner(&self, node: NodeId) -> String {
        if self.me == Some(node) { OWN.to_owned() } else { format!("node {}", self.node(node)) }
    }

    fn why(&self, change: &Change) -> String {
        let why = match change {
            Change::NodeDown { .. } => "it has no connection to this host",
            Change::NodeUp { .. } => "it is connected",
            Change::EndpointChanged { row } if self.loses_its_names(row) => "its process has ended",
            Change::EndpointCame { row } | Change::EndpointChanged { row } => {
                self.word_of(row.owner)
            }
            Change::EndpointGone { id } => match self.belief.endpoints.get(id) {
                Some(row) if !self.belief.nodes.contains_key(&row.owner) => "its host left",
                Some(row) => self.word_of(row.owner),
                None => "",
            },
            Change::EndpointHidden { .. } => "its host is down",
            Change::EndpointShown { .. } => "its host is up",
            Change::BlockTaken { .. } => "addresses were needed, or will be",
            Change::BlockGiven { .. } => "it was idle, or asked for",
            Change::AddressLeased { .. } => "a workload is to have it",
            Change::AddressReleased { .. } => "its workload went",
            Change::KernelApplied { .. } => "what the cluster means has changed",
            Change::KernelDrift { .. } => "it was mended",
            Change::KernelRefused { .. } => "it is tried again",
            _ => "",
        };
        why.to_owned()
    }

    fn word_of(&self, owner: NodeId) -> &'static str {
        if self.me == Some(owner) { "attached or detached here" } else { "its owner says so" }
    }
}

const OWN: &str = "this host";

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
