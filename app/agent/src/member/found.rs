//! How a host becomes a member: by founding a cluster or by joining one.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::lookup_host;
use weft_api::{ApiProblem, ClusterInit, ClusterJoin, ProblemKind};
use weft_identity::{Authority, NodeKey, Token};
use weft_kernel::host;
use weft_model::{DEFAULT_VXLAN_PORT, Name, Node, NodeId, Role, Vtep};
use weft_registry::{CERTIFICATE_LIFE, Cluster, Command, Keeping, Snapshot, TokenHash, View};
use weft_store::Redb;
use weft_transport::{JoinError, JoinRequest};

use super::first::Registry;
use super::{Surroundings, take_back};
use crate::disk::Membership;
use crate::problem::{Answer, because, chain, problem};

/// The range that networks' subnets are taken from, unless told otherwise.
const POOL: &str = "10.128.0.0/9";
/// How large a network is, unless told otherwise.
const SUBNET_PREFIX: u8 = 24;
/// How long a released address rests, unless told otherwise.
const ADDRESS_REST: Duration = Duration::from_secs(60);

/// Certificates count whole seconds, and a renewal takes part of one.
const SHORTEST_LIFE: Duration = Duration::from_secs(4);

/// Founds a cluster with this host as its manager; nothing is left behind if it fails.
pub(crate) async fn found(around: &Surroundings, asked: &ClusterInit) -> Answer<Membership> {
    let etcd = match &asked.etcd {
        Some(choice) => Some(crate::etcd::access(choice)?),
        None if asked.embedded => None,
        None => around.options.etcd.clone(),
    };
    let vxlan_port = asked.vxlan_port.unwrap_or(DEFAULT_VXLAN_PORT);
    check_host(vxlan_port).await?;
    let (name, vtep) = (node_name(asked.node_name.as_ref())?, vtep(asked.advertise, None).await?);
    let cluster_name = match &asked.name {
        Some(name) => name.clone(),
        None => Name::label("weft").map_err(|e| because(ProblemKind::Internal, "name", &e, ""))?,
    };
    let cluster_id = format!("{:032x}", rand::random::<u128>());
    let authority = Authority::create(&cluster_id).map_err(|error| identity(&error))?;
    let key = NodeKey::generate().map_err(|error| identity(&error))?;
    let node = Node {
        id: NodeId::from_random(rand::random()),
        key: key.public().map_err(|error| identity(&error))?,
        name,
        role: Role::Manager,
        vtep: Vtep(vtep),
        control: SocketAddr::new(vtep, around.options.listen.port()),
    };
    let keeping = if etcd.is_some() { Keeping::Etcd } else { Keeping::Managers };
    let cluster = Cluster {
        id: cluster_id.clone(),
        name: cluster_name,
        vxlan_port,
        pools: pools(asked)?,
        subnet_prefix: asked.subnet_prefix.unwrap_or(SUBNET_PREFIX),
        address_rest: asked.address_rest_seconds.map_or(ADDRESS_REST, Duration::from_secs),
        certificate_life: certificate_life(asked)?,
        ca_pem: authority.certificate_pem(),
        ca_generation: 0,
        former_ca_pem: None,
        keeping,
    };
    check_prefix(&cluster)?;
    let life = cluster.certificate_life;
    let tokens = [Role::Worker, Role::Manager].map(|role| token_hash(&authority, role, None));
    let command = Command::Found { cluster, node: node.clone(), tokens: tokens.to_vec() };
    let registry = Registry { by: node.id, command, etcd: etcd.clone() };
    let csr = key.request().map_err(|error| identity(&error))?;
    let chain = authority.sign(&csr, node.id, Role::Manager, life).map_err(|e| identity(&e))?;
    let membership = Membership {
        cluster: cluster_id,
        managers: Vec::new(),
        node,
        key_pem: key.pem(),
        chain_pem: weft_identity::pem_of(&chain),
        ca_pem: authority.certificate_pem(),
        authority_pem: Some(authority.pem()),
        next_authority_pem: None,
        etcd,
    };
    registry.write(around).await?;
    keep(around, &membership)?;
    Ok(membership)
}

/// The hash of a role's token, made from the CA's key and a fresh salt.
pub(crate) fn token_hash(authority: &Authority, role: Role, expires_at: Option<u64>) -> TokenHash {
    let salt = format!("{:032x}", rand::random::<u128>());
    let sha256 = weft_identity::hash(&authority.token(role, &salt).secret);
    TokenHash { role, salt, sha256, expires_at }
}

/// Joins a cluster; nothing is left behind if it fails.
pub(crate) async fn join(around: &Surroundings, asked: &ClusterJoin) -> Answer<Membership> {
    let token: Token = asked.token.parse().map_err(|error: weft_identity::ParseTokenError| {
        because(ProblemKind::BadInput, "this is no join token", &error, error.hint())
    })?;
    let name = node_name(asked.node_name.as_ref())?;
    let manager = resolve(&asked.manager).await?;
    let key = NodeKey::generate().map_err(|error| identity(&error))?;
    let request = JoinRequest {
        secret: token.secret.clone(),
        csr_der: key.request().map_err(|error| identity(&error))?,
        name,
        vtep: asked.advertise,
        control_port: around.options.listen.port(),
        node: NodeId::from_random(rand::random()),
    };
    vtep(asked.advertise, Some(manager.ip())).await?;
    check_features()?;
    let admitted =
        weft_transport::join(manager, token.ca_sha256, request).await.map_err(|e| refused(&e))?;
    let view = View::from_snapshot(&admitted.snapshot).map_err(|error| {
        let hint = "run the same version of Weft on both hosts";
        because(ProblemKind::Internal, "the manager's registry is not understood", &error, hint)
    })?;
    let cluster = view.cluster().ok_or_else(crate::problem::no_member)?;
    let membership = Membership {
        cluster: cluster.id.clone(),
        managers: view.nodes().values().filter(|n| n.role == Role::Manager).cloned().collect(),
        node: admitted.node,
        key_pem: key.pem(),
        chain_pem: weft_identity::pem_of(&admitted.certificate_chain),
        ca_pem: cluster.trusted_pem(),
        authority_pem: None,
        next_authority_pem: None,
        etcd: None,
    };
    match settle(around, cluster.vxlan_port, &admitted.snapshot, &membership).await {
        Ok(()) => Ok(membership),
        Err(problem) => {
            // What is left is no membership, and the next attempt clears it.
            drop(around.disk.clear());
            Err(take_back(&membership, problem).await)
        }
    }
}

/// What a host does after it was let in.
async fn settle(
    around: &Surroundings,
    vxlan_port: u16,
    registry: &Snapshot,
    membership: &Membership,
) -> Answer<()> {
    check_port(vxlan_port).await?;
    around
        .disk
        .clear()
        .map_err(|e| because(ProblemKind::Internal, "clear old state", &e, e.hint()))?;
    around.disk.remember(registry).map_err(|error| disk(&error))?;
    keep(around, membership)
}

/// The membership comes last: a member without its stores would not start.
fn keep(around: &Surroundings, membership: &Membership) -> Answer<()> {
    drop(Redb::open(&around.disk.local_store()).map_err(|error| {
        because(ProblemKind::Internal, "the membership could not be kept", &error, error.hint())
    })?);
    around.disk.found(membership).map_err(|error| disk(&error))
}

fn disk(error: &crate::disk::DiskError) -> ApiProblem {
    because(ProblemKind::Internal, "the membership could not be kept", error, error.hint())
}

fn identity(error: &dyn std::error::Error) -> ApiProblem {
    because(ProblemKind::Internal, "make keys and certificates", error, "look at the agent's log")
}

fn refused(error: &JoinError) -> ApiProblem {
    let kind = match error {
        JoinError::Unreachable { .. } => ProblemKind::Unavailable,
        _ => ProblemKind::Denied,
    };
    let cause = chain(error).split_off(1);
    ApiProblem { error: error.to_string(), cause, hint: error.hint(), kind }
}

/// A host that cannot carry VXLAN says so before it is a member.
async fn check_host(vxlan_port: u16) -> Answer<()> {
    check_features()?;
    check_port(vxlan_port).await
}

fn check_features() -> Answer<()> {
    host::missing_features().into_iter().next().map_or(Ok(()), |missing| {
        let what = format!("this host lacks {}", missing.what);
        Err(problem(ProblemKind::Unavailable, what, missing.hint))
    })
}

async fn check_port(vxlan_port: u16) -> Answer<()> {
    let foreign = host::foreign_vxlan(vxlan_port).await.unwrap_or_default();
    let device = foreign.first().map(|device| format!("VXLAN device {}", device.name));
    let taken = device.or_else(|| host::udp_port_taken(vxlan_port));
    taken.map_or(Ok(()), |who| {
        let what = format!("UDP port {vxlan_port} is in use on this host: {who}");
        let hint =
            "remove that user, or found the cluster with another port: weft init --vxlan-port 4790";
        Err(problem(ProblemKind::Conflict, what, hint))
    })
}

fn node_name(asked: Option<&Name>) -> Answer<Name> {
    if let Some(name) = asked {
        return Ok(name.clone());
    }
    let host = nix::unistd::gethostname().unwrap_or_default();
    let label = host.to_string_lossy().split('.').next().unwrap_or_default().to_owned();
    Name::label(&label).map_err(|error| {
        because(
            ProblemKind::BadInput,
            "this host's name is no node name",
            &error,
            "give one: --node-name",
        )
    })
}

/// The address that other hosts send VXLAN to.
async fn vtep(asked: Option<IpAddr>, towards: Option<IpAddr>) -> Answer<IpAddr> {
    if let Some(address) = asked {
        let own = host::addresses().await.unwrap_or_default();
        if own.iter().any(|net| net.addr() == address) {
            return Ok(address);
        }
        let what = format!("no interface of this host has address {address}");
        return Err(problem(
            ProblemKind::BadInput,
            what,
            "see the host's addresses: ip -br address",
        ));
    }
    let anywhere = IpAddr::from([192, 0, 2, 1]);
    host::path_to(towards.unwrap_or(anywhere)).await.map(|path| path.source).map_err(|error| {
        let hint = "say which address the other hosts reach this one at: --advertise ADDRESS";
        because(ProblemKind::BadInput, "this host's underlay address is not clear", &error, hint)
    })
}

fn pools(asked: &ClusterInit) -> Answer<Vec<ipnet::IpNet>> {
    match &asked.pools {
        Some(pools) if !pools.is_empty() => Ok(pools.iter().map(ipnet::IpNet::trunc).collect()),
        _ => POOL.parse().map(|pool| vec![pool]).map_err(|error: ipnet::AddrParseError| {
            because(ProblemKind::Internal, "read the default pool", &error, "")
        }),
    }
}

fn certificate_life(asked: &ClusterInit) -> Answer<Duration> {
    let life = asked.certificate_life_seconds.map_or(CERTIFICATE_LIFE, Duration::from_secs);
    if life >= SHORTEST_LIFE {
        return Ok(life);
    }
    let what = format!("certificates cannot be good for {} s only", life.as_secs());
    Err(problem(ProblemKind::BadInput, what, "take 24h to 72h; the default is 48h"))
}

fn check_prefix(cluster: &Cluster) -> Answer<()> {
    let fits = (8..=29).contains(&cluster.subnet_prefix)
        && cluster.pools.iter().all(|pool| pool.prefix_len() <= cluster.subnet_prefix);
    if fits {
        return Ok(());
    }
    let what = format!("subnets of /{} cannot be taken from the pools", cluster.subnet_prefix);
    Err(problem(
        ProblemKind::BadInput,
        what,
        "take a prefix of /8 to /29 that is no larger than a pool",
    ))
}

async fn resolve(manager: &str) -> Answer<SocketAddr> {
    let with_port = if manager.parse::<IpAddr>().is_ok() || !manager.contains(':') {
        let host = manager
            .parse::<std::net::Ipv6Addr>()
            .map_or_else(|_not_v6| manager.to_owned(), |v6| format!("[{v6}]"));
        format!("{host}:{}", crate::options::CONTROL_PORT)
    } else {
        manager.to_owned()
    };
    let hint = "give the manager as HOST or HOST:PORT";
    let mut found = lookup_host(&with_port).await.map_err(|error| {
        because(ProblemKind::BadInput, format!("`{manager}` is no host"), &error, hint)
    })?;
    found
        .next()
        .ok_or_else(|| problem(ProblemKind::BadInput, format!("`{manager}` has no address"), hint))
}
