//! The agent as Docker's drivers see it.

mod endpoint;
mod network;
mod pool;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};
use ipnet::IpNet;
use tokio::sync::watch;
use weft_api::ApiProblem;
use weft_docker::{
    Answer, Attachment, Beyond, ClusterNetworks, Degraded, DockerEndpoint, DockerEndpointId,
    DockerJoin, DockerNetwork, DockerNetworkId, Names, Overlay, PoolRequest, Refusal,
};
use weft_life::Life;
use weft_model::{MacAddr, NetworkId};

use crate::asker::Asker;
use crate::fabric::Fabric;
use crate::member::Member;
use crate::problem::no_member;

/// Serves Docker whether this host is a member or not; what is refused then says what to do.
#[derive(Debug)]
pub(crate) struct ForDocker {
    member: watch::Receiver<Option<Arc<Member>>>,
    networks: watch::Receiver<ClusterNetworks>,
    degraded: watch::Sender<Vec<Degraded>>,
    beyond: watch::Sender<Beyond>,
    offers: pool::Offers,
}

impl ForDocker {
    /// Speaks for whatever member this host is.
    pub(crate) fn new(
        member: watch::Receiver<Option<Arc<Member>>>,
        networks: watch::Receiver<ClusterNetworks>,
        degraded: watch::Sender<Vec<Degraded>>,
    ) -> Self {
        let beyond = watch::Sender::default();
        Self { member, networks, degraded, beyond, offers: pool::Offers::default() }
    }

    /// Whom Docker's resolver asks for containers.
    pub(crate) fn servers_beyond(&self) -> watch::Receiver<Beyond> {
        self.beyond.subscribe()
    }

    /// The member's abilities, if this host is one.
    fn fabric(&self) -> Result<Fabric, ApiProblem> {
        self.member.borrow().as_ref().map(|member| member.fabric.clone()).ok_or_else(no_member)
    }
}

/// What a person who typed a `docker` command reads.
pub(crate) fn refusal(problem: ApiProblem) -> Refusal {
    let refusal = Refusal::new(problem.error, problem.hint);
    if problem.cause.is_empty() { refusal } else { refusal.because(problem.cause.join(": ")) }
}

macro_rules! answer {
    ($self:ident, $fabric:ident => $body:expr) => {
        async move {
            let $fabric = $self.fabric().map_err(refusal)?;
            Asker::Docker.asks($body).await.map_err(refusal)
        }
        .boxed()
    };
}

/// As [`answer`], for what is to go: a host that is in no cluster has nothing of it.
macro_rules! gone {
    ($self:ident, $fabric:ident => $body:expr) => {
        async move {
            let Ok($fabric) = $self.fabric() else { return Ok(()) };
            Asker::Docker.asks($body).await.map_err(refusal)
        }
        .boxed()
    };
}

impl Overlay for ForDocker {
    fn offer_pool(&self, request: PoolRequest) -> Answer<'_, IpNet> {
        answer!(self, fabric => self.offers.offer(&fabric, request))
    }

    fn release_pool(&self, subnet: IpNet) -> Answer<'_, ()> {
        self.offers.withdraw(subnet);
        async { Ok(()) }.boxed()
    }

    fn claim_address(&self, subnet: IpNet, address: IpAddr) -> Answer<'_, ()> {
        answer!(self, fabric => pool::claim(&fabric, subnet, address))
    }

    fn lease(&self, subnet: IpNet, want: Option<IpAddr>) -> Answer<'_, IpAddr> {
        answer!(self, fabric => pool::lease(&fabric, subnet, want))
    }

    fn release(&self, subnet: IpNet, address: IpAddr) -> Answer<'_, ()> {
        gone!(self, fabric => pool::release(&fabric, subnet, address))
    }

    fn create_network(&self, network: DockerNetwork) -> Answer<'_, ()> {
        answer!(self, fabric => network::create(&fabric, network, self.networks.clone()))
    }

    fn name_network<'a>(
        &'a self,
        docker_id: &'a DockerNetworkId,
        name: &'a str,
        labels: &'a BTreeMap<String, String>,
    ) -> Answer<'a, ()> {
        answer!(self, fabric => network::name(&fabric, docker_id, name, labels))
    }

    fn adopt_network<'a>(
        &'a self,
        docker_id: &'a DockerNetworkId,
        cluster_id: NetworkId,
    ) -> Answer<'a, ()> {
        answer!(self, fabric => network::adopt(&fabric, docker_id, cluster_id))
    }

    fn delete_network<'a>(&'a self, docker_id: &'a DockerNetworkId) -> Answer<'a, ()> {
        gone!(self, fabric => network::delete(&fabric, docker_id))
    }

    fn forget_network<'a>(&'a self, docker_id: &'a DockerNetworkId) -> Answer<'a, ()> {
        gone!(self, fabric => network::forget(&fabric, docker_id))
    }

    fn create_endpoint(&self, endpoint: DockerEndpoint) -> Answer<'_, MacAddr> {
        answer!(self, fabric => endpoint::create(&fabric, endpoint))
    }

    fn join(&self, join: DockerJoin) -> Answer<'_, String> {
        answer!(self, fabric => endpoint::join(&fabric, join))
    }

    fn leave<'a>(&'a self, endpoint: &'a DockerEndpointId) -> Answer<'a, ()> {
        gone!(self, fabric => endpoint::leave(&fabric, endpoint))
    }

    fn delete_endpoint<'a>(&'a self, endpoint: &'a DockerEndpointId) -> Answer<'a, ()> {
        gone!(self, fabric => endpoint::delete(&fabric, endpoint))
    }

    fn rename<'a>(&'a self, endpoint: &'a DockerEndpointId, names: Names) -> Answer<'a, ()> {
        answer!(self, fabric => fabric.state.rename(endpoint.clone(), names))
    }

    fn live(&self, endpoints: BTreeSet<DockerEndpointId>, life: Life) -> Answer<'_, ()> {
        gone!(self, fabric => endpoint::live(&fabric, endpoints, life))
    }

    fn forget<'a>(&'a self, endpoint: &'a DockerEndpointId) -> Answer<'a, ()> {
        gone!(self, fabric => endpoint::forget(&fabric, endpoint))
    }

    fn attachments(&self) -> BoxFuture<'_, Vec<Attachment>> {
        async move {
            match self.fabric() {
                Ok(fabric) => endpoint::all(&fabric).await,
                Err(_no_member) => Vec::new(),
            }
        }
        .boxed()
    }

    fn networks(&self) -> watch::Receiver<ClusterNetworks> {
        self.networks.clone()
    }

    fn report(&self, degraded: Vec<Degraded>) {
        self.degraded.send_replace(degraded);
    }

    fn beyond(&self, servers: Beyond) {
        self.beyond.send_replace(servers);
    }
}
