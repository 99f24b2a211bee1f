//! A cluster of one host that lives in memory: for tests, and for trying Docker's side by itself.

mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use ipnet::IpNet;
use tokio::sync::watch;
use weft_life::Life;
use weft_model::{MacAddr, Name, Network, NetworkId};

use state::{Held, State};

use crate::{
    Answer, Attachment, Beyond, ClusterNetwork, ClusterNetworks, Degraded, DockerEndpoint,
    DockerEndpointId, DockerJoin, DockerNetwork, DockerNetworkId, Names, Overlay, PoolRequest,
    Refusal,
};

/// The overlay's contract, kept in the simplest way, and a record of what was called.
#[derive(Debug)]
pub struct Fake {
    state: Mutex<State>,
    networks: watch::Sender<ClusterNetworks>,
    make_interface: Option<fn(&str)>,
}

impl Default for Fake {
    fn default() -> Self {
        let networks = watch::Sender::new(Some(Arc::default()));
        Self { state: Mutex::default(), networks, make_interface: None }
    }
}

impl Fake {
    /// With something that makes the interface which `Join` names: containers can start then.
    pub fn with_interfaces(make: fn(&str)) -> Self {
        Self { make_interface: Some(make), ..Self::default() }
    }

    /// Another host has made or changed a network.
    pub fn put(&self, network: Network) {
        let mut state = self.state();
        let here = state.networks.remove(&network.id).map(|old| old.here).unwrap_or_default();
        state.used_elsewhere.insert(network.id);
        let entry = ClusterNetwork { network: Arc::new(network), here };
        state.networks.insert(entry.network.id, entry);
        self.publish(&state);
    }

    /// The cluster network is removed.
    pub fn remove(&self, id: NetworkId) {
        let mut state = self.state();
        state.networks.remove(&id);
        self.publish(&state);
    }

    /// All cluster networks.
    pub fn all(&self) -> Vec<ClusterNetwork> {
        self.state().networks.values().cloned().collect()
    }

    /// The last report.
    pub fn degraded(&self) -> Vec<Degraded> {
        self.state().degraded.clone()
    }

    /// What was told last of servers beyond.
    pub fn told_beyond(&self) -> Beyond {
        Arc::clone(&self.state().beyond)
    }

    /// What was called so far, in words.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// Docker's files of the sandboxes that endpoints have joined.
    pub fn sandboxes(&self) -> Vec<PathBuf> {
        self.state().endpoints.values().filter_map(|held| held.sandbox.clone()).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, state: &State) {
        self.networks.send_replace(Some(Arc::new(state.networks.clone())));
    }

    /// Does it at once, writes it down and tells the mirror.
    fn act<T: Send + 'static>(
        &self,
        call: String,
        act: impl FnOnce(&mut State) -> Result<T, Refusal>,
    ) -> Answer<'static, T> {
        let mut state = self.state();
        let before = state.networks.clone();
        state.calls.push(call);
        let outcome = act(&mut state);
        if state.networks != before {
            self.publish(&state);
        }
        std::future::ready(outcome).boxed()
    }
}

impl Overlay for Fake {
    fn offer_pool(&self, request: PoolRequest) -> Answer<'_, IpNet> {
        let asked = request.subnet.map_or_else(|| "any".to_owned(), |subnet| subnet.to_string());
        self.act(format!("offer pool {asked}"), |state| match request.subnet {
            Some(subnet) => Ok(subnet),
            None => {
                let octets = [10, 99, state.next(), 0];
                IpNet::new(octets.into(), 24)
                    .map_err(|error| Refusal::new("no pool", "--subnet").because(error))
            }
        })
    }

    fn release_pool(&self, subnet: IpNet) -> Answer<'_, ()> {
        self.act(format!("release pool {subnet}"), |_| Ok(()))
    }

    fn claim_address(&self, subnet: IpNet, address: IpAddr) -> Answer<'_, ()> {
        self.act(format!("claim {address}"), |state| {
            state.leases.insert((subnet, address));
            Ok(())
        })
    }

    fn lease(&self, subnet: IpNet, want: Option<IpAddr>) -> Answer<'_, IpAddr> {
        self.act(format!("lease in {subnet}"), |state| state.lease(subnet, want))
    }

    fn release(&self, subnet: IpNet, address: IpAddr) -> Answer<'_, ()> {
        self.act(format!("release {address}"), |state| {
            let held = |held: &Held| held.address.addr() == address;
            if !state.endpoints.values().any(held) {
                state.leases.remove(&(subnet, address));
            }
            Ok(())
        })
    }

    fn create_network(&self, network: DockerNetwork) -> Answer<'_, ()> {
        self.act(format!("create network {}", network.subnet), |state| state.create(network))
    }

    fn name_network<'a>(
        &'a self,
        docker_id: &'a DockerNetworkId,
        name: &'a str,
        labels: &'a BTreeMap<String, String>,
    ) -> Answer<'a, ()> {
        self.act(format!("name network {name}"), |state| state.name(docker_id, name, labels))
    }

    fn adopt_network<'a>(
        &'a self,
        docker_id: &'a DockerNetworkId,
        cluster_id: NetworkId,
    ) -> Answer<'a, ()> {
        self.act(format!("adopt network {}", cluster_id.short()), |state| {
            let entry = state.networks.get_mut(&cluster_id);
            entry.map(|entry| entry.here.insert(docker_id.clone()));
            Ok(())
        })
    }

    fn delete_network<'a>(&'a self, docker_id: &'a DockerNetworkId) -> Answer<'a, ()> {
        self.act("delete network".to_owned(), |state| {
            state.delete(docker_id);
            Ok(())
        })
    }

    fn forget_network<'a>(&'a self, docker_id: &'a DockerNetworkId) -> Answer<'a, ()> {
        self.act("forget network".to_owned(), |state| {
            state.networks.values_mut().for_each(|entry| _ = entry.here.remove(docker_id));
            Ok(())
        })
    }

    fn create_endpoint(&self, endpoint: DockerEndpoint) -> Answer<'_, MacAddr> {
        self.act(format!("create endpoint {}", endpoint.address), |state| state.endpoint(endpoint))
    }

    fn join(&self, join: DockerJoin) -> Answer<'_, String> {
        self.act(format!("join {}", said(&join.names)), |state| {
            let interface = state.join(join)?;
            if let Some(make) = self.make_interface {
                make(&interface);
            }
            Ok(interface)
        })
    }

    fn leave<'a>(&'a self, endpoint: &'a DockerEndpointId) -> Answer<'a, ()> {
        self.act("leave".to_owned(), |state| {
            if let Some(held) = state.endpoints.get_mut(endpoint) {
                held.sandbox = None;
                held.attachment.life = Life::Ended;
            }
            Ok(())
        })
    }

    fn delete_endpoint<'a>(&'a self, endpoint: &'a DockerEndpointId) -> Answer<'a, ()> {
        self.act("delete endpoint".to_owned(), |state| {
            state.endpoints.remove(endpoint);
            Ok(())
        })
    }

    fn rename<'a>(&'a self, endpoint: &'a DockerEndpointId, names: Names) -> Answer<'a, ()> {
        self.act(format!("rename {}", said(&names)), |state| {
            if let Some(held) = state.endpoints.get_mut(endpoint) {
                held.attachment.names = names;
            }
            Ok(())
        })
    }

    fn live(&self, endpoints: BTreeSet<DockerEndpointId>, life: Life) -> Answer<'_, ()> {
        self.act(format!("live {life:?}"), |state| {
            let of = state.endpoints.iter_mut().filter(|(id, _)| endpoints.contains(id));
            of.filter(|(_, held)| held.sandbox.is_some())
                .for_each(|(_, held)| held.attachment.life = life);
            Ok(())
        })
    }

    fn forget<'a>(&'a self, endpoint: &'a DockerEndpointId) -> Answer<'a, ()> {
        self.act("forget".to_owned(), |state| {
            state.endpoints.remove(endpoint);
            Ok(())
        })
    }

    fn attachments(&self) -> BoxFuture<'_, Vec<Attachment>> {
        let all = self.state().endpoints.values().map(|held| held.attachment.clone()).collect();
        std::future::ready(all).boxed()
    }

    fn networks(&self) -> watch::Receiver<ClusterNetworks> {
        self.networks.subscribe()
    }

    fn report(&self, degraded: Vec<Degraded>) {
        self.state().degraded = degraded;
    }

    fn beyond(&self, servers: Beyond) {
        self.state().beyond = servers;
    }
}

/// `web (db, 0123456789ab)`.
fn said(names: &Names) -> String {
    let aliases: Vec<_> = names.aliases.iter().map(Name::as_str).collect();
    format!("{} ({})", names.name.as_ref().map_or("?", Name::as_str), aliases.join(", "))
}
