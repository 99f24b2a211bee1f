//! Docker's endpoints: attachments that come in two steps, an address first and a place later.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Instant;

use weft_api::ProblemKind;
use weft_docker::{
    Attachment as Listed, DockerEndpoint, DockerEndpointId, DockerJoin, DockerNetworkId, Names,
};
use weft_life::Life;
use weft_model::{Endpoint, EndpointId, MacAddr, NetworkId};
use weft_plan::IfName;

use crate::fabric::Fabric;
use crate::local::{Attachment, Workload};
use crate::problem::{Answer, not_found, problem};

/// Makes an endpoint that has an address and a MAC, and no place yet.
pub(super) async fn create(fabric: &Fabric, wanted: DockerEndpoint) -> Answer<MacAddr> {
    if let Some(known) = find(fabric, &wanted.endpoint) {
        return Ok(known.endpoint.mac);
    }
    let network = of_docker(fabric, &wanted.network)?;
    let address = wanted.address.addr();
    let mac = wanted.mac.unwrap_or_else(|| fabric.state.picture().mac(network, address));
    refuse_twins(fabric, network, address, mac)?;
    if !fabric.state.picture().holds(network, address) {
        fabric.lease(network, Some(address)).await?;
    }
    let attachment = Attachment {
        network,
        endpoint: Endpoint {
            id: EndpointId::at(fabric.state.picture().me.id, rand::random()),
            mac,
            addresses: vec![address],
            name: None,
            aliases: BTreeSet::new(),
        },
        workload: Workload::Docker {
            network: wanted.network,
            endpoint: wanted.endpoint,
            sandbox: None,
        },
        joined: false,
        life: Life::Running,
    };
    fabric.state.attach(attachment).await?;
    Ok(mac)
}

fn refuse_twins(fabric: &Fabric, network: NetworkId, address: IpAddr, mac: MacAddr) -> Answer<()> {
    let picture = fabric.state.picture();
    if let Some(other) = picture.with_address(network, address) {
        let what = format!("address {address} is in use by endpoint {}", other.short());
        let hint = "leave out --ip, or choose another one: weft endpoint ls";
        return Err(problem(ProblemKind::Conflict, what, hint));
    }
    if let Some(other) = picture.with_mac(network, mac) {
        let what = format!("MAC address {mac} is in use by endpoint {}", other.short());
        let hint = "leave out --mac-address, or choose another one";
        return Err(problem(ProblemKind::Conflict, what, hint));
    }
    Ok(())
}

/// Gives the endpoint its interface, and its names to the cluster.
pub(super) async fn join(fabric: &Fabric, join: DockerJoin) -> Answer<String> {
    let mut attachment =
        find(fabric, &join.endpoint).ok_or_else(|| not_found("endpoint", join.endpoint.short()))?;
    attachment.endpoint.name = join.names.name;
    attachment.endpoint.aliases = join.names.aliases;
    attachment.joined = true;
    attachment.life = Life::Running;
    attachment.workload = Workload::Docker {
        network: join.network,
        endpoint: join.endpoint,
        sandbox: Some(join.sandbox),
    };
    let interface = IfName::peer(attachment.endpoint.id).to_string();
    fabric.attach(attachment).await?;
    Ok(interface)
}

/// Takes the endpoint's place and names away; its address stays Docker's until it is released.
pub(super) async fn leave(fabric: &Fabric, id: &DockerEndpointId) -> Answer<()> {
    let Some(mut attachment) = find(fabric, id) else { return Ok(()) };
    if let Workload::Docker { sandbox, .. } = &mut attachment.workload {
        *sandbox = None;
    }
    attachment.joined = false;
    attachment.life = Life::Ended;
    fabric.state.attach(attachment).await.map(|_generation| ())
}

/// The endpoints' containers run or have ended, as their processes tell.
pub(super) async fn live(
    fabric: &Fabric,
    endpoints: BTreeSet<DockerEndpointId>,
    life: Life,
) -> Answer<()> {
    let differs = |id| find(fabric, id).is_some_and(|known| known.life != life);
    // Each word of Docker about a container comes by here, and mostly nothing follows from it.
    if !endpoints.iter().any(differs) {
        return Ok(());
    }
    fabric.state.live(endpoints, life).await
}

/// Forgets the endpoint.
pub(super) async fn delete(fabric: &Fabric, id: &DockerEndpointId) -> Answer<()> {
    match find(fabric, id) {
        Some(attachment) => fabric.state.detach(attachment.endpoint.id).await.map(|_detached| ()),
        None => Ok(()),
    }
}

/// Forgets the endpoint and lets its address rest.
pub(super) async fn forget(fabric: &Fabric, id: &DockerEndpointId) -> Answer<()> {
    match find(fabric, id) {
        Some(attachment) => fabric.detach(attachment.endpoint.id).await.map(|_detached| ()),
        None => Ok(()),
    }
}

/// All endpoints that this host's Docker is believed to have.
pub(super) async fn all(fabric: &Fabric) -> Vec<Listed> {
    let ages = fabric.state.ages().await;
    let picture = fabric.state.picture();
    let listed = |attachment: &Attachment| {
        let Workload::Docker { network, endpoint, .. } = &attachment.workload else { return None };
        let Endpoint { id, name, aliases, .. } = &attachment.endpoint;
        Some(Listed {
            network: network.clone(),
            endpoint: endpoint.clone(),
            names: Names { name: name.clone(), aliases: aliases.clone() },
            life: attachment.life,
            since: ages.get(id).copied().unwrap_or_else(Instant::now),
        })
    };
    picture.attachments.values().filter_map(listed).collect()
}

fn find(fabric: &Fabric, id: &DockerEndpointId) -> Option<Attachment> {
    let picture = fabric.state.picture();
    let of = |attachment: &&Attachment| matches!(&attachment.workload, Workload::Docker { endpoint, .. } if endpoint == id);
    picture.attachments.values().find(of).cloned()
}

fn of_docker(fabric: &Fabric, id: &DockerNetworkId) -> Answer<NetworkId> {
    let picture = fabric.state.picture();
    picture.docker_networks.get(id).copied().ok_or_else(|| not_found("network", id.short()))
}
