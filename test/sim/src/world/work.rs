//! What people do meanwhile: they start, rename and stop workloads.

use std::collections::BTreeSet;
use std::net::IpAddr;

use rand::RngExt as _;
use weft_model::{Endpoint, EndpointId, MacAddr, Name, NetworkId, NodeId};

use super::World;

impl World {
    /// A host takes part in a network.
    pub(crate) fn join(&mut self, at: usize, network: NetworkId) {
        let Some(node) = self.nodes.get_mut(at) else { return };
        node.rows.entry(network).or_default();
        if let Some(agent) = &mut node.agent {
            agent.whereabouts.join(network);
        }
        self.pump(at);
    }

    /// A host that has not started yet has workloads on its disk, on all its networks in turn.
    pub(crate) fn stock(&mut self, at: usize, workloads: usize) {
        let Some(node) = self.nodes.get(at) else { return };
        let (owner, networks): (_, Vec<NetworkId>) = (node.id, node.rows.keys().copied().collect());
        for network in networks.into_iter().cycle().take(workloads) {
            // What runs from the beginning has addresses that nobody leases.
            let endpoint = self.endpoint(owner, None);
            self.watch.started(self.now, endpoint.id, owner);
            let Some(node) = self.nodes.get_mut(at) else { return };
            node.rows.entry(network).or_default().insert(endpoint.id, endpoint);
        }
    }

    /// The hosts that are on a network.
    pub(crate) fn participants(&self, network: NetworkId) -> Vec<usize> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter(|(_, node)| node.rows.contains_key(&network)).map(|(at, _)| at).collect()
    }

    /// A workload starts; it is on the disk before anybody hears of it.
    pub(crate) fn start_workload(&mut self, at: usize, network: NetworkId) -> Option<EndpointId> {
        if !self.nodes.get(at)?.runs() {
            return None;
        }
        let address = match &self.ledger {
            Some(_) => Some(self.lease(at, network)?),
            None => None,
        };
        let owner = self.nodes.get(at)?.id;
        let endpoint = self.endpoint(owner, address);
        let id = endpoint.id;
        self.watch.leased(network, &endpoint);
        let (now, node) = (self.now, self.nodes.get_mut(at)?);
        self.watch.started(now, id, node.id);
        node.rows.entry(network).or_default().insert(id, endpoint.clone());
        node.agent.as_mut()?.whereabouts.put(network, endpoint);
        self.pump(at);
        Some(id)
    }

    /// Anything that people do, on any host.
    pub(crate) fn work(&mut self) {
        let at = self.dice.random_range(0..self.nodes.len());
        let which = self.dice.random_range(0..self.networks.len());
        let Some(network) = self.networks.get(which).copied() else { return };
        match self.dice.random_range(0..20) {
            0 => self.leave(at, network),
            1..3 => self.rename(at, network),
            3..9 => self.stop_workload(at, network),
            _ => drop(self.start_workload(at, network)),
        }
    }

    fn leave(&mut self, at: usize, network: NetworkId) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(at).filter(|node| node.runs()) else { return };
        let (rows, instant) = (node.rows.remove(&network).unwrap_or_default(), node.now(now));
        if let Some(agent) = &mut node.agent {
            rows.keys().for_each(|id| agent.whereabouts.remove(network, *id));
            agent.whereabouts.leave(instant, network);
        }
        let addresses = rows.values().flat_map(|row| row.addresses.clone());
        addresses.for_each(|address| self.release(at, network, address));
        self.watch.ended(rows.into_keys());
        self.watch.left(at, network);
        self.pump(at);
    }

    fn stop_workload(&mut self, at: usize, network: NetworkId) {
        let Some(endpoint) = self.any_row(at, network) else { return };
        let Some(node) = self.nodes.get_mut(at) else { return };
        node.rows.entry(network).or_default().remove(&endpoint.id);
        if let Some(agent) = &mut node.agent {
            agent.whereabouts.remove(network, endpoint.id);
        }
        endpoint.addresses.iter().for_each(|address| self.release(at, network, *address));
        self.watch.ended([endpoint.id]);
        self.pump(at);
    }

    fn rename(&mut self, at: usize, network: NetworkId) {
        let Some(mut endpoint) = self.any_row(at, network) else { return };
        endpoint.name = name(self.fresh());
        let Some(node) = self.nodes.get_mut(at) else { return };
        node.rows.entry(network).or_default().insert(endpoint.id, endpoint.clone());
        if let Some(agent) = &mut node.agent {
            agent.whereabouts.put(network, endpoint);
        }
        self.pump(at);
    }

    fn any_row(&mut self, at: usize, network: NetworkId) -> Option<Endpoint> {
        let node = self.nodes.get(at).filter(|node| node.runs())?;
        let rows = node.rows.get(&network).filter(|rows| !rows.is_empty())?;
        rows.values().nth(self.dice.random_range(0..rows.len())).cloned()
    }

    fn endpoint(&mut self, owner: NodeId, address: Option<IpAddr>) -> Endpoint {
        let number = self.fresh();
        let [.., a, b, c] = number.to_be_bytes();
        Endpoint {
            id: EndpointId::at(owner, number),
            mac: MacAddr::from_random([2, 0, 0, a, b, c]),
            addresses: vec![address.unwrap_or_else(|| [10, a, b, c].into())],
            name: name(number),
            aliases: BTreeSet::new(),
        }
    }
}

fn name(number: u64) -> Option<Name> {
    Name::label(&format!("workload-{number}")).ok()
}
