//! The network driver: networks, endpoints, and containers that join and leave.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde_json::Value;
use weft_model::{MacAddr, Subnet};

use super::Drivers;
use super::ipam::SPACES;
use crate::options::NetworkOptions;
use crate::protocol::network::{
    Capabilities, ChosenMac, CreateEndpoint, CreateNetwork, DeleteNetwork, Endpoint,
    EndpointCreated, GENERIC, INTERNAL, Interface, InterfaceName, IpamData, Join, Joined, OperInfo,
};
use crate::protocol::{Nothing, Options};
use crate::{
    DockerEndpoint, DockerEndpointId, DockerJoin, DockerNetwork, DockerNetworkId, Names, Refusal,
};

/// How long a start waits for Docker to say the container's name; the watcher learns it later.
const NAME_WITHIN: Duration = Duration::from_secs(2);
/// The same when Docker did not answer lately, as during its own start.
const NAME_FROM_ABSENT: Duration = Duration::from_millis(50);

/// Interfaces are called `eth0`, `eth1` and so on inside.
const INSIDE: &str = "eth";

pub(crate) async fn capabilities(_: Drivers, _: Nothing) -> Result<Capabilities, Refusal> {
    Ok(Capabilities { scope: "local", connectivity_scope: "global" })
}

pub(crate) async fn create_network(
    drivers: Drivers,
    asked: CreateNetwork,
) -> Result<Nothing, Refusal> {
    drivers.overlay.create_network(network(asked)?).await?;
    Ok(Nothing {})
}

pub(crate) async fn delete_network(
    drivers: Drivers,
    gone: DeleteNetwork,
) -> Result<Nothing, Refusal> {
    drivers.overlay.delete_network(&DockerNetworkId(gone.network_id)).await?;
    Ok(Nothing {})
}

pub(crate) async fn create_endpoint(
    drivers: Drivers,
    asked: CreateEndpoint,
) -> Result<EndpointCreated, Refusal> {
    let endpoint = endpoint(asked)?;
    let given = endpoint.mac;
    let mac = drivers.overlay.create_endpoint(endpoint).await?;
    let chosen = given.is_none().then(|| ChosenMac { mac_address: mac.to_string() });
    Ok(EndpointCreated { interface: chosen })
}

pub(crate) async fn delete_endpoint(drivers: Drivers, gone: Endpoint) -> Result<Nothing, Refusal> {
    drivers.overlay.delete_endpoint(&DockerEndpointId(gone.endpoint_id)).await?;
    Ok(Nothing {})
}

pub(crate) async fn join(drivers: Drivers, asked: Join) -> Result<Joined, Refusal> {
    let names = names(&drivers, &asked).await;
    let join = DockerJoin {
        network: DockerNetworkId(asked.network_id),
        endpoint: DockerEndpointId(asked.endpoint_id),
        sandbox: PathBuf::from(asked.sandbox_key),
        names,
    };
    let src_name = drivers.overlay.join(join).await?;
    Ok(Joined { interface_name: InterfaceName { src_name, dst_prefix: INSIDE } })
}

pub(crate) async fn leave(drivers: Drivers, gone: Endpoint) -> Result<Nothing, Refusal> {
    drivers.overlay.leave(&DockerEndpointId(gone.endpoint_id)).await?;
    Ok(Nothing {})
}

pub(crate) async fn oper_info(_: Drivers, _: Nothing) -> Result<OperInfo, Refusal> {
    Ok(OperInfo::default())
}

/// Calls that are of no interest: ports are `docker_gwbridge`'s, discovery is Swarm's.
pub(crate) async fn ignore(_: Drivers, _: Nothing) -> Result<Nothing, Refusal> {
    Ok(Nothing {})
}

/// Asks for the network and not for the container: the container is locked until this call ends.
async fn names(drivers: &Drivers, asked: &Join) -> Names {
    let within = if drivers.presence.answers() { NAME_WITHIN } else { NAME_FROM_ABSENT };
    match drivers.engine.network(&asked.network_id, within).await {
        Ok(network) => {
            let name = network.endpoint(&asked.endpoint_id).map(|endpoint| endpoint.name.as_str());
            name.map_or_else(Names::default, |name| drivers.aliases.names(name, &network))
        }
        Err(error) => {
            tracing::info!(%error, "a container starts before docker said its name");
            Names::default()
        }
    }
}

fn network(asked: CreateNetwork) -> Result<DockerNetwork, Refusal> {
    let no_options = Options::new();
    let generic = match asked.options.get(GENERIC) {
        Some(Value::Object(generic)) => generic.clone().into_iter().collect(),
        _ => no_options,
    };
    let options = NetworkOptions::parse(&generic)?;
    let subnet = subnet(&asked)?;
    Ok(DockerNetwork {
        docker_id: DockerNetworkId(asked.network_id),
        cluster_id: options.cluster_id,
        subnet: subnet.range,
        gateway: subnet.gateway,
        reserved: subnet.reserved,
        vni: options.vni,
        mtu: options.mtu,
        internal: asked.options.get(INTERNAL).is_some_and(is_true),
        options: options.given,
    })
}

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true) || value.as_str() == Some("true")
}

fn subnet(asked: &CreateNetwork) -> Result<Subnet, Refusal> {
    let ours =
        |data: &&IpamData| [SPACES.local, SPACES.global].contains(&data.address_space.as_str());
    if let Some(foreign) = asked.ipv4.iter().find(|data| !ours(data)) {
        return Err(other_ipam(&foreign.address_space));
    }
    if !asked.ipv6.is_empty() {
        return Err(Refusal::new(
            "IPv6 inside overlay networks is not there yet",
            "without --ipv6",
        ));
    }
    match asked.ipv4.as_slice() {
        [] => Err(Refusal::new("a weft network has IPv4 addresses", "without --ipv4=false")),
        [data] => checked(data),
        _ => Err(Refusal::new("a weft network has one subnet", "--subnet only once")),
    }
}

/// Docker takes its own IPAM unless told otherwise, and a driver cannot change that.
fn other_ipam(space: &str) -> Refusal {
    let hint = "docker network create -d weft --ipam-driver weft NAME, or: weft network create \
                NAME; in compose: ipam: {driver: weft}";
    Refusal::new("a network of driver weft needs the IPAM driver weft too", hint)
        .because(format_args!("the addresses of this one would be Docker's own ({space})"))
}

fn checked(data: &IpamData) -> Result<Subnet, Refusal> {
    let refuse =
        || Refusal::new("the network's addresses", "leave --gateway and --aux-address out");
    let pool: IpNet = data
        .pool
        .parse()
        .map_err(|error| refuse().because(format_args!("subnet `{}`: {error}", data.pool)))?;
    let gateway = match data.gateway.as_str() {
        "" => None,
        text => Some(host(text).map_err(|error| refuse().because(error))?),
    };
    let reserved: Result<BTreeSet<_>, _> = data.aux_addresses.values().map(|a| host(a)).collect();
    let reserved = reserved.map_err(|error| refuse().because(error))?;
    Subnet::new(pool, gateway, reserved).map_err(|error| refuse().because(error))
}

fn host(text: &str) -> Result<IpAddr, String> {
    let bare = text.split('/').next().unwrap_or(text);
    bare.parse().map_err(|error| format!("address `{text}`: {error}"))
}

fn endpoint(asked: CreateEndpoint) -> Result<DockerEndpoint, Refusal> {
    let refuse = || Refusal::new("make an endpoint", "docker network inspect NAME shows its IPAM");
    let Interface { address, mac_address } = asked.interface;
    let address = address
        .parse()
        .map_err(|error| refuse().because(format_args!("address `{address}`: {error}")))?;
    let mac: Option<MacAddr> = match mac_address.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|error| refuse().because(error))?),
    };
    let network = DockerNetworkId(asked.network_id);
    Ok(DockerEndpoint { network, endpoint: DockerEndpointId(asked.endpoint_id), address, mac })
}
