//! What Docker's drivers need of the agent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use ipnet::IpNet;
use tokio::sync::watch;
use weft_life::Life;
use weft_model::{MacAddr, Mtu, Name, Network, NetworkId, Vni};

use crate::Refusal;

/// Every answer that may be a refusal.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, Refusal>>;

macro_rules! docker_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The text that Docker knows it by.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The first twelve digits, as Docker shows it to people.
            #[must_use]
            pub fn short(&self) -> &str {
                self.0.get(..12).unwrap_or(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.short())
            }
        }
    };
}

docker_id! {
    /// This host's Docker's own id of a network: another one on each host, for the same cluster network.
    DockerNetworkId
}
docker_id! {
    /// Docker's id of an endpoint: new at each start of a container.
    DockerEndpointId
}

/// Docker asks for a range of addresses, before the network that it is for exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolRequest {
    /// What the user (`--subnet`), the mirror or a replay names; absent: any free one.
    pub subnet: Option<IpNet>,
}

/// Docker makes a network on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerNetwork {
    /// Docker's id of it.
    pub docker_id: DockerNetworkId,
    /// The cluster network that this is this host's copy of (`-o weft.network=<id>`, set by our
    /// own mirror); absent: a user wants a new one.
    pub cluster_id: Option<NetworkId>,
    /// The range that [`Overlay::offer_pool`] answered.
    pub subnet: IpNet,
    /// An address that no endpoint gets.
    pub gateway: IpAddr,
    /// Further ones (`--aux-address`).
    pub reserved: BTreeSet<IpAddr>,
    /// `-o vni=`.
    pub vni: Option<Vni>,
    /// `-o mtu=` or `-o com.docker.network.driver.mtu=`.
    pub mtu: Option<Mtu>,
    /// `--internal`.
    pub internal: bool,
    /// All `-o` as the user gave them (those above too), without `weft.network`.
    pub options: BTreeMap<String, String>,
}

/// Docker makes an endpoint for a container that is about to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerEndpoint {
    /// Docker's id of the network.
    pub network: DockerNetworkId,
    /// Docker's id of the endpoint.
    pub endpoint: DockerEndpointId,
    /// What [`Overlay::lease`] answered just before, with the subnet's prefix length.
    pub address: IpNet,
    /// `--mac-address`; absent: the overlay chooses.
    pub mac: Option<MacAddr>,
}

/// A container starts: its interface is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerJoin {
    /// Docker's id of the network.
    pub network: DockerNetworkId,
    /// Docker's id of the endpoint.
    pub endpoint: DockerEndpointId,
    /// Docker's file of the container's network namespace: there already (≥ 28) or only after
    /// the answer (≤ 27); see `sandbox::wait`.
    pub sandbox: PathBuf,
    /// As far as known by now; [`Overlay::rename`] may bring more.
    pub names: Names,
}

/// What a container is found by on one network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Its name.
    pub name: Option<Name>,
    /// The user's aliases, the short id, the host name.
    pub aliases: BTreeSet<Name>,
}

/// One endpoint that the agent believes Docker has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Docker's id of the network.
    pub network: DockerNetworkId,
    /// Docker's id of the endpoint.
    pub endpoint: DockerEndpointId,
    /// What the endpoint is found by at present, as long as its container runs.
    pub names: Names,
    /// Whether that is thought to run.
    pub life: Life,
    /// When it was created, or when this agent started if that was later.
    pub since: Instant,
}

/// One cluster network, as the mirror sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterNetwork {
    /// The network. It is mirrored once it has a name.
    pub network: Arc<Network>,
    /// What this host's Docker calls it; empty: it is not there, as far as the agent knows.
    pub here: BTreeSet<DockerNetworkId>,
}

/// All cluster networks, named or not; `None` until the agent has read the registry.
///
/// The difference matters: Docker networks whose cluster network is missing here are removed.
pub type ClusterNetworks = Option<Arc<BTreeMap<NetworkId, ClusterNetwork>>>;

/// Servers beyond, in order, by the file of a container's network namespace.
pub type Beyond = Arc<BTreeMap<PathBuf, Vec<SocketAddr>>>;

/// A standing trouble that only a person can end. It is shown until the next report lacks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Degraded {
    /// The cluster network that it is about, if it is about one.
    pub network: Option<NetworkId>,
    /// What, why and what to try.
    pub refusal: Refusal,
}

/// The agent, as Docker's drivers, the mirror and the watcher see it.
///
/// No call may wait for Docker's API: Docker is waiting for us, at its start even with all else.
/// Each is called concurrently with the others. A driver's call runs to its end even if Docker
/// hangs up.
pub trait Overlay: Send + Sync + 'static {
    /// `RequestPool`. Reserves nothing: the network comes later or never.
    ///
    /// Without a subnet: one that overlaps no network, no host route and none offered lately;
    /// never the same twice in a row, since Docker asks again until it likes the answer. Refuses
    /// when there is none left. With a subnet: answers the same one, however often it is asked
    /// (replay at each start of dockerd), also for a network that exists. Refuses what can be no
    /// [`weft_model::Subnet`]; overlaps are left to [`Self::create_network`], which knows more.
    fn offer_pool(&self, request: PoolRequest) -> Answer<'_, IpNet>;

    /// `ReleasePool`: Docker did not like the offer, or removes its network. Only a hint: no
    /// network may go away by this. Unknown ones are no failure.
    fn release_pool(&self, subnet: IpNet) -> Answer<'_, ()>;

    /// `RequestAddress` for an address that is to be held whatever happens: one of a container
    /// that runs (replay after dockerd's restart) or one that the user keeps free
    /// (`--aux-address`). The two cannot be told apart.
    ///
    /// Before Engine 29 a start with `--ip` looks the same too, so that an address which is free
    /// is leased by this. Idempotent if this host holds it already or it is reserved in the
    /// network. Accepted without a record when no network has the subnet yet:
    /// [`DockerNetwork::reserved`] will name it. Refuses what another host owns.
    fn claim_address(&self, subnet: IpNet, address: IpAddr) -> Answer<'_, ()>;

    /// `RequestAddress` for a container's start: the wanted address (`--ip`) or any free one,
    /// leased durably when this returns.
    fn lease(&self, subnet: IpNet, want: Option<IpAddr>) -> Answer<'_, IpAddr>;

    /// `ReleaseAddress`: the address may rest. The gateway, reserved and unknown addresses, and
    /// unknown subnets are no failure. An address that an endpoint still has stays leased: Docker
    /// releases what a second container asked for with `--ip` and was refused by
    /// [`Self::create_endpoint`].
    fn release(&self, subnet: IpNet, address: IpAddr) -> Answer<'_, ()>;

    /// `CreateNetwork`. With `cluster_id`: records that this is its copy here; refuses if there is
    /// no such cluster network or its subnet differs. Without: a new cluster network, nameless
    /// until [`Self::name_network`]; refuses a subnet that overlaps another network's.
    ///
    /// When this returns, [`Self::networks`] shows the id under `here`: the mirror would
    /// otherwise take the Docker network for an orphan. Idempotent for the same `docker_id`.
    fn create_network(&self, network: DockerNetwork) -> Answer<'_, ()>;

    /// The watcher has learnt name and labels of a Docker network that [`Self::create_network`]
    /// made. Called again and again with the same: the first one counts, later ones change nothing.
    ///
    /// Refuses when the cluster has another network of that name, and when `docker_id` is
    /// unknown; the refusal is shown as [`Degraded`].
    fn name_network<'a>(
        &'a self,
        docker_id: &'a DockerNetworkId,
        name: &'a str,
        labels: &'a BTreeMap<String, String>,
    ) -> Answer<'a, ()>;

    /// The Engine has a copy of a cluster network that the agent did not record (its state was
    /// lost, or a call was): from now on it counts as [`ClusterNetwork::here`]. Idempotent.
    fn adopt_network<'a>(
        &'a self,
        docker_id: &'a DockerNetworkId,
        cluster_id: NetworkId,
    ) -> Answer<'a, ()>;

    /// `DeleteNetwork`, or the Engine no longer has it: forgets this host's copy. The cluster
    /// network goes away too if nothing else uses it: no endpoint on any host. Unknown ids are no
    /// failure (our mirror removes copies of cluster networks that are gone already).
    fn delete_network<'a>(&'a self, docker_id: &'a DockerNetworkId) -> Answer<'a, ()>;

    /// The Engine no longer has this copy, and no `DeleteNetwork` came: its data may be lost, or
    /// the agent was down. Forgets the copy. A cluster network with a name stays, and the mirror
    /// makes a new copy; one that never got a name goes away with its only copy.
    fn forget_network<'a>(&'a self, docker_id: &'a DockerNetworkId) -> Answer<'a, ()>;

    /// `CreateEndpoint`: answers the endpoint's MAC, `endpoint.mac` if that is given. Refuses an
    /// address that another endpoint has, and one that no endpoint may have (the gateway, a
    /// reserved one): [`Self::claim_address`] could not.
    fn create_endpoint(&self, endpoint: DockerEndpoint) -> Answer<'_, MacAddr>;

    /// `Join`: answers the name of an interface in the host's namespace that Docker will move
    /// into the container, up to speed with MTU and MAC. The names are known cluster-wide soon
    /// after. The resolver is attached at once if the sandbox can be entered, otherwise by a task
    /// that waits for it: the sandbox appears only after this has answered.
    fn join(&self, join: DockerJoin) -> Answer<'_, String>;

    /// `Leave`: no more traffic, no more names. Unknown ids are no failure.
    fn leave<'a>(&'a self, endpoint: &'a DockerEndpointId) -> Answer<'a, ()>;

    /// `DeleteEndpoint`. Unknown ids are no failure.
    fn delete_endpoint<'a>(&'a self, endpoint: &'a DockerEndpointId) -> Answer<'a, ()>;

    /// The names of an endpoint are these from now on, all of them. Unknown ids are no failure.
    fn rename<'a>(&'a self, endpoint: &'a DockerEndpointId, names: Names) -> Answer<'a, ()>;

    /// Whether the containers of these endpoints run, as their processes tell: Docker's own word comes
    /// later, or never. Where one has ended its names are told no more, at once; address, interface
    /// and port stay until Docker's calls. Unknown ids, and endpoints that have not joined or have
    /// left, are no failure.
    fn live(&self, endpoints: BTreeSet<DockerEndpointId>, life: Life) -> Answer<'_, ()>;

    /// The Engine does not have this endpoint any more and its calls never came: leave, delete
    /// and release its address.
    fn forget<'a>(&'a self, endpoint: &'a DockerEndpointId) -> Answer<'a, ()>;

    /// All endpoints that the agent believes Docker has.
    fn attachments(&self) -> BoxFuture<'_, Vec<Attachment>>;

    /// What is to be mirrored.
    fn networks(&self) -> watch::Receiver<ClusterNetworks>;

    /// The servers beyond that Docker's resolver asks, for each container of which that is certain, by
    /// the file of its network namespace; replaces what was told before.
    fn beyond(&self, servers: Beyond);

    /// All standing troubles between this host's Docker and the cluster; replaces the last report.
    fn report(&self, degraded: Vec<Degraded>);
}
