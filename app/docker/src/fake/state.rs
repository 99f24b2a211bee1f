//! What the cluster in memory knows, and the rules that it keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ipnet::IpNet;
use weft_life::Life;
use weft_model::{MacAddr, Name, Network, NetworkId, Subnet, Vni};

use crate::{
    Attachment, Beyond, ClusterNetwork, Degraded, DockerEndpoint, DockerEndpointId, DockerJoin,
    DockerNetwork, DockerNetworkId, Names, Refusal,
};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) networks: BTreeMap<NetworkId, ClusterNetwork>,
    pub(super) used_elsewhere: BTreeSet<NetworkId>,
    pub(super) endpoints: BTreeMap<DockerEndpointId, Held>,
    pub(super) leases: BTreeSet<(IpNet, IpAddr)>,
    pub(super) degraded: Vec<Degraded>,
    pub(super) beyond: Beyond,
    pub(super) calls: Vec<String>,
    pub(super) count: u8,
}

#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) attachment: Attachment,
    pub(super) address: IpNet,
    pub(super) sandbox: Option<PathBuf>,
}

impl State {
    pub(super) fn entry(
        &mut self,
        docker_id: &DockerNetworkId,
    ) -> Result<&mut ClusterNetwork, Refusal> {
        let mut entries = self.networks.values_mut();
        let entry = entries.find(|entry| entry.here.contains(docker_id));
        entry.ok_or_else(|| Refusal::new(format!("no network {docker_id}"), "docker network ls"))
    }

    pub(super) fn next(&mut self) -> u8 {
        self.count = self.count.wrapping_add(1);
        self.count
    }

    pub(super) fn create(&mut self, new: DockerNetwork) -> Result<(), Refusal> {
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

    pub(super) fn name(
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

    pub(super) fn delete(&mut self, docker_id: &DockerNetworkId) {
        if let Ok(entry) = self.entry(docker_id) {
            entry.here.remove(docker_id);
            let id = entry.network.id;
            if !self.used_elsewhere.contains(&id) {
                self.networks.remove(&id);
            }
        }
    }

    pub(super) fn lease(&mut self, subnet: IpNet, want: Option<IpAddr>) -> Result<IpAddr, Refusal> {
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

    pub(super) fn endpoint(&mut self, new: DockerEndpoint) -> Result<MacAddr, Refusal> {
        if let Some(other) = self.endpoints.values().find(|held| held.address == new.address) {
            let what = format!("address {} is taken", new.address.addr());
            let refusal = Refusal::new(what, "another --ip");
            return Err(refusal.because(format_args!("{} has it", other.attachment.endpoint)));
        }
        let subnets = self.networks.values().filter(|entry| entry.here.contains(&new.network));
        let mut subnets = subnets.flat_map(|entry| &entry.network.subnets);
        if subnets.any(|subnet| !subnet.is_assignable(new.address.addr())) {
            let what = format!("address {} is not for containers", new.address.addr());
            return Err(Refusal::new(what, "another --ip"));
        }
        let mac = new.mac.unwrap_or_else(|| MacAddr([2, 0, 0, 0, 0, self.next()]));
        let attachment = Attachment {
            network: new.network,
            endpoint: new.endpoint.clone(),
            names: Names::default(),
            life: Life::Running,
            since: Instant::now(),
        };
        let held = Held { attachment, address: new.address, sandbox: None };
        self.endpoints.insert(new.endpoint, held);
        Ok(mac)
    }

    pub(super) fn join(&mut self, join: DockerJoin) -> Result<String, Refusal> {
        let no_endpoint = || Refusal::new("no such endpoint", "start the container again");
        let held = self.endpoints.get_mut(&join.endpoint).ok_or_else(no_endpoint)?;
        held.sandbox = Some(join.sandbox);
        held.attachment.names = join.names;
        held.attachment.life = Life::Running;
        Ok(format!("wc{}", join.endpoint.as_str().get(..11).unwrap_or_default()))
    }
}
