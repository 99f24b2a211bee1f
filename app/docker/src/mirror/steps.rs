//! What is to be done so that this Docker has the cluster's networks and no others of ours.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use weft_docker_api::{CheckDuplicate, Ipam, IpamConfig, Network, NewNetwork};
use weft_model::{NetworkId, Subnet};

use crate::options::CLUSTER_ID;
use crate::{ClusterNetwork, DockerNetworkId, Refusal};

/// Docker's name for both drivers.
pub(crate) const DRIVER: &str = "weft";

type Cluster = BTreeMap<NetworkId, ClusterNetwork>;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Tell the overlay of a copy that it does not know.
    Adopt { docker_id: DockerNetworkId, cluster_id: NetworkId },
    /// Tell the overlay what a user called the network that he made here.
    Name {
        docker_id: DockerNetworkId,
        cluster_id: NetworkId,
        name: String,
        labels: BTreeMap<String, String>,
    },
    /// The overlay believes in a copy that Docker does not have.
    Lost(DockerNetworkId),
    /// Take a copy away whose cluster network is gone.
    Remove { docker_id: DockerNetworkId, name: String },
    /// Make a copy.
    Create(Box<Copy>),
    /// A copy cannot be made: the name stands for something else here.
    Collision { cluster_id: NetworkId, refusal: Refusal },
}

/// A copy to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copy {
    pub cluster_id: NetworkId,
    pub network: NewNetwork,
}

/// Decides from the cluster's networks and all of Docker's, ours and others'.
///
/// In this order: what is known is told first, then names are freed, then they are taken.
pub(crate) fn steps(cluster: &Cluster, docker: &[Network]) -> Vec<Step> {
    let ours: Vec<_> = docker.iter().filter(|network| network.driver == DRIVER).collect();
    let owners: Vec<_> = ours.iter().map(|network| (*network, owner(cluster, network))).collect();
    let present: BTreeSet<_> = owners.iter().filter_map(|(_, owner)| owner.id()).collect();
    let removed: BTreeSet<_> = owners
        .iter()
        .filter(|(_, owner)| *owner == Owner::Nobody)
        .map(|(network, _)| network.id.as_str())
        .collect();

    let told = owners.iter().filter_map(|(network, owner)| tell(cluster, network, *owner));
    let removals = owners.iter().filter_map(|(network, owner)| remove(network, *owner));
    let others: Vec<_> = docker.iter().filter(|n| !removed.contains(n.id.as_str())).collect();
    let missing = cluster.iter().filter(|(id, _)| !present.contains(id));
    let creations = missing.filter_map(|(_, network)| create(network, &others));
    told.chain(lost(cluster, &ours)).chain(removals).chain(creations).collect()
}

/// Which cluster network a Docker network of ours is the copy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// The overlay has it on record.
    Known(NetworkId),
    /// It says so, or could be no other.
    Adopted(NetworkId),
    /// Its cluster network is gone.
    Nobody,
}

impl Owner {
    const fn id(self) -> Option<NetworkId> {
        match self {
            Self::Known(id) | Self::Adopted(id) => Some(id),
            Self::Nobody => None,
        }
    }
}

fn owner(cluster: &Cluster, network: &Network) -> Owner {
    let docker_id = DockerNetworkId(network.id.clone());
    if let Some((&id, _)) = cluster.iter().find(|(_, entry)| entry.here.contains(&docker_id)) {
        return Owner::Known(id);
    }
    let claimed = match network.options.get(CLUSTER_ID) {
        Some(text) => text.parse().ok().filter(|id| cluster.contains_key(id)),
        None => cluster.iter().find(|(_, entry)| is_same(entry, network)).map(|(id, _)| *id),
    };
    claimed.map_or(Owner::Nobody, Owner::Adopted)
}

/// A network without our mark: made by a user here, and the record of it is lost.
fn is_same(entry: &ClusterNetwork, network: &Network) -> bool {
    let name = entry.network.name.as_ref();
    let subnets: Vec<IpNet> = entry.network.subnets.iter().map(|subnet| subnet.range).collect();
    let configured = network.ipam.config.iter().map(|config| config.subnet.parse().ok());
    name.is_some_and(|name| name.as_str() == network.name.to_ascii_lowercase())
        && configured.collect::<Option<Vec<IpNet>>>().as_ref() == Some(&subnets)
}

fn tell(cluster: &Cluster, network: &Network, owner: Owner) -> Option<Step> {
    let docker_id = DockerNetworkId(network.id.clone());
    match owner {
        Owner::Adopted(cluster_id) => Some(Step::Adopt { docker_id, cluster_id }),
        Owner::Known(cluster_id) => {
            let nameless = cluster.get(&cluster_id).is_some_and(|e| e.network.name.is_none());
            nameless.then(|| Step::Name {
                docker_id,
                cluster_id,
                name: network.name.clone(),
                labels: network.labels.clone(),
            })
        }
        Owner::Nobody => None,
    }
}

fn lost(cluster: &Cluster, ours: &[&Network]) -> Vec<Step> {
    let listed: BTreeSet<_> = ours.iter().map(|network| network.id.as_str()).collect();
    let here = cluster.values().flat_map(|entry| &entry.here);
    here.filter(|id| !listed.contains(id.as_str())).cloned().map(Step::Lost).collect()
}

fn remove(network: &Network, owner: Owner) -> Option<Step> {
    let docker_id = DockerNetworkId(network.id.clone());
    (owner == Owner::Nobody).then(|| Step::Remove { docker_id, name: network.name.clone() })
}

fn create(entry: &ClusterNetwork, others: &[&Network]) -> Option<Step> {
    let network = &entry.network;
    let name = network.name.as_ref()?.as_str();
    let cluster_id = network.id;
    if let Some(other) = others.iter().find(|other| other.name == name) {
        return Some(Step::Collision { cluster_id, refusal: collision(name, other) });
    }
    let mut options = network.options.clone();
    options.insert(CLUSTER_ID.to_owned(), cluster_id.to_string());
    let config = network.subnets.iter().map(config).collect();
    let network = NewNetwork {
        name: name.to_owned(),
        driver: DRIVER.to_owned(),
        check_duplicate: CheckDuplicate,
        internal: network.internal,
        options,
        labels: network.labels.clone(),
        ipam: Ipam { driver: DRIVER.to_owned(), config },
    };
    Some(Step::Create(Box::new(Copy { cluster_id, network })))
}

/// Always explicit: Engine 20.10 refuses `--ip` on networks that were made without a subnet.
fn config(subnet: &Subnet) -> IpamConfig {
    let reserved = subnet.reserved.iter().enumerate();
    IpamConfig {
        subnet: subnet.range.to_string(),
        gateway: subnet.gateway.to_string(),
        auxiliary_addresses: reserved
            .map(|(n, ip)| (format!("reserved{n}"), ip.to_string()))
            .collect(),
    }
}

fn collision(name: &str, other: &Network) -> Refusal {
    let hint = format!(
        "docker network rm {name}, and the cluster's appears by itself; or another name for one"
    );
    Refusal::new(format!("network {name} of the cluster is missing in this host's Docker"), hint)
        .because(format_args!("Docker has another network {name}, of driver {}", other.driver))
}

#[cfg(test)]
mod tests;
