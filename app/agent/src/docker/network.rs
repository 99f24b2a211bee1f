//! Docker's networks: this host's copies of the cluster's.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use weft_api::ProblemKind;
use weft_docker::{ClusterNetworks, DockerNetwork, DockerNetworkId};
use weft_model::{Name, NetworkId};
use weft_registry::{Command, NetworkRequest};

use crate::fabric::Fabric;
use crate::problem::{Answer, because, not_found, problem};

/// How long the mirror's list may lag behind.
const LAG: Duration = Duration::from_secs(2);

/// Makes a cluster network, or takes note of a copy of one.
pub(super) async fn create(
    fabric: &Fabric,
    wanted: DockerNetwork,
    mut listed: watch::Receiver<ClusterNetworks>,
) -> Answer<()> {
    let id =
        match (fabric.state.picture().docker_networks.get(&wanted.docker_id), wanted.cluster_id) {
            (Some(_known), _) => return Ok(()),
            (None, Some(id)) => existing(fabric, id, &wanted)?,
            (None, None) => fabric.create_network(request(&wanted)).await?.id,
        };
    fabric.state.docker_network(wanted.docker_id.clone(), Some(id)).await?;
    let shown = listed.wait_for(|networks| {
        let network = networks.as_ref().and_then(|all| all.get(&id));
        network.is_some_and(|network| network.here.contains(&wanted.docker_id))
    });
    // The list lags only when the agent stops; the copy is recorded all the same.
    drop(timeout(LAG, shown).await);
    Ok(())
}

fn request(wanted: &DockerNetwork) -> NetworkRequest {
    NetworkRequest {
        id: NetworkId::from_random(rand::random()),
        name: None,
        subnet: Some(wanted.subnet),
        gateway: Some(wanted.gateway),
        reserved: wanted.reserved.clone(),
        vni: wanted.vni,
        mtu: wanted.mtu,
        internal: wanted.internal,
        options: wanted.options.clone(),
        labels: BTreeMap::new(),
        avoid: Vec::new(),
    }
}

fn existing(fabric: &Fabric, id: NetworkId, wanted: &DockerNetwork) -> Answer<NetworkId> {
    let view = fabric.view();
    let network = view.network(id).ok_or_else(|| not_found("network", &id.to_string()))?;
    if network.subnets.iter().any(|subnet| subnet.range == wanted.subnet) {
        return Ok(id);
    }
    Err(problem(
        ProblemKind::Conflict,
        format!("network {id} of the cluster does not have subnet {}", wanted.subnet),
        "leave out `-o weft.network`: it is for the mirror's own use",
    ))
}

/// The name that Docker tells only after the network exists.
pub(super) async fn name(
    fabric: &Fabric,
    docker_id: &DockerNetworkId,
    name: &str,
    labels: &BTreeMap<String, String>,
) -> Answer<()> {
    let id = known(fabric, docker_id)?;
    let view = fabric.view();
    if view.network(id).is_some_and(|network| network.name.is_some()) {
        return Ok(());
    }
    let name = name.parse::<Name>().map_err(|error| {
        let hint =
            "remove it with `docker network rm` and choose a name of letters, digits and `-`";
        because(ProblemKind::BadInput, "the network cannot have this name", &error, hint)
    })?;
    let command = Command::NameNetwork { id, name, labels: labels.clone() };
    fabric.registry.command(command).await.map(|_done| ())
}

fn known(fabric: &Fabric, docker_id: &DockerNetworkId) -> Answer<NetworkId> {
    let picture = fabric.state.picture();
    let id = picture.docker_networks.get(docker_id).copied();
    id.ok_or_else(|| not_found("network", docker_id.short()))
}

/// Takes note of a copy that was made without our hearing of it.
pub(super) async fn adopt(
    fabric: &Fabric,
    docker_id: &DockerNetworkId,
    cluster_id: NetworkId,
) -> Answer<()> {
    if fabric.state.picture().docker_networks.get(docker_id) == Some(&cluster_id) {
        return Ok(());
    }
    if fabric.view().network(cluster_id).is_none() {
        return Err(not_found("network", &cluster_id.to_string()));
    }
    fabric.state.docker_network(docker_id.clone(), Some(cluster_id)).await
}

/// Forgets a copy; the cluster network goes too if no host has an endpoint on it.
pub(super) async fn delete(fabric: &Fabric, docker_id: &DockerNetworkId) -> Answer<()> {
    let Ok(id) = known(fabric, docker_id) else { return Ok(()) };
    fabric.state.docker_network(docker_id.clone(), None).await?;
    if fabric.view().network(id).is_none() {
        return Ok(());
    }
    match fabric.remove_network(id).await {
        Err(problem)
            if matches!(problem.kind, ProblemKind::Unavailable | ProblemKind::Unsettled) =>
        {
            Err(problem)
        }
        Err(kept) => {
            tracing::info!(network = %id, reason = %kept, "the network stays: it comes back here");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Forgets a copy that vanished by itself; a cluster network that never got a name goes with it.
pub(super) async fn forget(fabric: &Fabric, docker_id: &DockerNetworkId) -> Answer<()> {
    let Ok(id) = known(fabric, docker_id) else { return Ok(()) };
    fabric.state.docker_network(docker_id.clone(), None).await?;
    match fabric.view().network(id) {
        Some(network) if network.name.is_none() => fabric.remove_network(id).await,
        _ => Ok(()),
    }
}
