//! A cluster of one host that lives in memory: for tests, and for trying Docker's side by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use ipnet::IpNet;
use tokio::sync::watch;
use weft_model::{MacAddr, Name, Network, NetworkId, Subnet, Vni};

use crate::{
    Answer, Attachment, ClusterNetwork, ClusterNetworks, Degraded, DockerEndpoint,
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

#[derive(Debug, Default)]
struct State {
    networks: BTreeMap<NetworkId, ClusterNetwork>,
    used_elsewhere: BTreeSet<NetworkId>,
    endpoints: BTreeMap<DockerEndpointId, Held>,
    leases: BTreeSet<(IpNet, IpAddr)>,
    degraded: Vec<Degraded>,
    calls: Vec<String>,
    count: u8,
}

#[derive(Clone, Debug)]
struct Held {
    attachment: Attachment,
    address: IpNet,
    sandbox: Option<PathBuf>,
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

impl State {
    fn entry(&mut self, docker_id: &DockerNetworkId) -> Result<&mut ClusterNetwork, Refusal> {
        let mut entries = self.networks.values_mut();
        let entry = entries.find(|entry| entry.here.contains(docker_id));
        entry.ok_or_else(|| Refusal::new(format!("no network {docker_id}"), "docker network ls"))
    }

    fn next(&mut self) -> u8 {
        self.count = self.count.wrapping_add(1);
        self.count
    }

    fn create(&mut self, new: DockerNetwork) -> Result<(), Refusal> {
        let id = match new.cluster_id {
            Some(id) => id,
            None => NetworkId::from_random(self.next().into()),
        };
        if let Some(entry) = self.networks.get_mut(&id) {
            entry.here.insert(new.docker_id);
            return Ok(());
        }
        if new.cluster_id.is_some() {
            return Err(Refusal::new(format!("no cluster network {id}"), "weft network ls"));
        }
        let vni = new.vni.unwrap_or_else(|| Vni::from_random(self.count.into()));
        let (range, gateway, reserved) = (new.subnet, new.gateway, new.reserved);
        let network = Network {
            id,
            name: None,
            vni,
            subnets: vec![Subnet { range, gateway, reserved }],
            mtu: new.mtu,
            internal: new.internal,
            options: new.options,
            labels: BTreeMap::new(),
        };
        let here = BTreeSet::from([new.docker_id]);
        self.networks.insert(id, ClusterNetwork { network: Arc::new(network), here });
        Ok(())
    }

    fn name(
        &mut self,
        docker_id: &DockerNetworkId,
        name: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        let taken = self.networks.values().any(|entry| {
            let same = entry.network.name.as_ref().is_some_and(|n| n.as_str() == name);
            same && !entry.here.contains(docker_id)
        });
        if taken {
            let refusal =
                Refusal::new(format!("network {name}"), format!("docker network rm {name}"));
            return Err(refusal.because("the cluster has another network of that name"));
        }
        let invalid = |error| Refusal::new("name a network", "another name").because(error);
        let name: Name = name.parse().map_err(invalid)?;
        let entry = self.entry(docker_id)?;
        let network = Arc::make_mut(&mut entry.network);
        network.name = Some(name);
        network.labels.clone_from(labels);
        Ok(())
    }

    fn delete(&mut self, docker_id: &DockerNetworkId) {
        if let Ok(entry) = self.entry(docker_id) {
            entry.here.remove(docker_id);
            let id = entry.network.id;
            if !self.used_elsewhere.contains(&id) {
                self.networks.remove(&id);
            }
        }
    }

    fn lease(&mut self, subnet: IpNet, want: Option<IpAddr>) -> Result<IpAddr, Refusal> {
        let free = |address: &IpAddr| !self.leases.contains(&(subnet, *address));
        let found = match want {
            Some(address) => Some(address).filter(free),
            None => subnet.hosts().skip(1).find(free),
        };
        let refuse = || Refusal::new(format!("no address in {subnet}"), "another --ip");
        let address = found.ok_or_else(refuse)?;
        self.leases.insert((subnet, address));
        Ok(address)
    }

    fn endpoint(&mut self, new: DockerEndpoint) -> Result<MacAddr, Refusal> {
        if let Some(other) = self.endpoints.values().find(|held| held.address == new.address) {
            let what = format!("address {} is taken", new.address.addr());
            let refusal = Refusal::new(what, "another --ip");
            return Err(refusal.because(format_args!("{} has it", other.attachment.endpoint)));
        }
        let mac = new.mac.unwrap_or_else(|| MacAddr([2, 0, 0, 0, 0, self.next()]));
        let attachment = Attachment {
            network: new.network,
            endpoint: new.endpoint.clone(),
            names: Names::default(),
            since: Instant::now(),
        };
        let held = Held { attachment, address: new.address, sandbox: None };
        self.endpoints.insert(new.endpoint, held);
        Ok(mac)
    }

    fn join(&mut self, join: DockerJoin) -> Result<String, Refusal> {
        let no_endpoint = || Refusal::new("no such endpoint", "start the container again");
        let held = self.endpoints.get_mut(&join.endpoint).ok_or_else(no_endpoint)?;
        held.sandbox = Some(join.sandbox);
        held.attachment.names = join.names;
        Ok(format!("wc{}", join.endpoint.as_str().get(..11).unwrap_or_default()))
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
}

/// `web (db, 0123456789ab)`.
fn said(names: &Names) -> String {
    let aliases: Vec<_> = names.aliases.iter().map(Name::as_str).collect();
    format!("{} ({})", names.name.as_ref().map_or("?", Name::as_str), aliases.join(", "))
}
