//! How the rest of the agent talks to the state's owner.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ipnet::IpNet;
use tokio::sync::{mpsc, oneshot, watch};
use weft_docker::{DockerEndpointId, DockerNetworkId, Names};
use weft_life::Life;
use weft_model::{EndpointId, Mtu, NetworkId};

use super::{Ask, LeaseRefused, Picture};
use crate::local::Attachment;
use crate::problem::{Answer, stopping};

/// A way to the owner.
#[derive(Clone, Debug)]
pub(crate) struct StateHandle {
    asks: mpsc::Sender<Ask>,
    picture: watch::Receiver<Arc<Picture>>,
}

impl StateHandle {
    /// A handle that sends through `asks` and reads `picture`.
    pub(crate) fn new(asks: mpsc::Sender<Ask>, picture: watch::Receiver<Arc<Picture>>) -> Self {
        Self { asks, picture }
    }

    /// What the node knows at this moment.
    pub(crate) fn picture(&self) -> Arc<Picture> {
        Arc::clone(&self.picture.borrow())
    }

    /// Waits until a manager says that this host is no member of the cluster.
    pub(crate) async fn disowned(&self) {
        let told = self.picture.clone().wait_for(|picture| picture.disowned).await.map(drop);
        if told.is_err() {
            // The agent is stopping, and nobody will say it.
            std::future::pending::<()>().await;
        }
    }

    /// Leases an address.
    pub(crate) async fn lease(
        &self,
        network: NetworkId,
        want: Option<IpAddr>,
    ) -> Result<IpAddr, LeaseRefused> {
        let answer = self.ask(|reply| Ask::Lease { network, want, reply }).await;
        answer.map_err(LeaseRefused::Refused)?
    }

    /// Lets an address rest.
    pub(crate) async fn release(&self, network: NetworkId, address: IpAddr) -> Answer<()> {
        self.ask(|reply| Ask::Release { network, address, reply }).await?
    }

    /// Attaches a workload; answers the generation of the kernel's target that has it.
    pub(crate) async fn attach(&self, attachment: Attachment) -> Answer<u64> {
        self.ask(|reply| Ask::Attach { attachment, reply }).await?
    }

    /// Waits until something is known; answers the generation of the kernel's target that has it.
    pub(crate) async fn once(&self, is_known: impl Fn(&Picture) -> bool) -> Answer<u64> {
        let mut picture = self.picture.clone();
        let known = picture.wait_for(|picture| is_known(picture)).await;
        Ok(known.map_err(|_closed| stopping())?.generation)
    }

    /// Detaches a workload.
    pub(crate) async fn detach(&self, id: EndpointId) -> Answer<Option<(Attachment, u64)>> {
        self.ask(|reply| Ask::Detach { id, reply }).await?
    }

    /// Gives an endpoint of Docker's other names.
    pub(crate) async fn rename(&self, endpoint: DockerEndpointId, names: Names) -> Answer<()> {
        self.ask(|reply| Ask::Rename { endpoint, names, reply }).await?
    }

    /// Endpoints of Docker's run or have ended.
    pub(crate) async fn live(
        &self,
        endpoints: BTreeSet<DockerEndpointId>,
        life: Life,
    ) -> Answer<()> {
        self.ask(|reply| Ask::Live { endpoints, life, reply }).await
    }

    /// Remembers or forgets what Docker calls a network.
    pub(crate) async fn docker_network(
        &self,
        id: DockerNetworkId,
        network: Option<NetworkId>,
    ) -> Answer<()> {
        self.ask(|reply| Ask::DockerNetwork { id, network, reply }).await?
    }

    /// Gives networks without an MTU of their own this one; answers the generation of the kernel's
    /// target that has it.
    pub(crate) async fn fit(&self, inner_mtu: Mtu) -> Answer<u64> {
        self.ask(|reply| Ask::Fit { inner_mtu, reply }).await
    }

    /// When each attachment was made.
    pub(crate) async fn ages(&self) -> BTreeMap<EndpointId, Instant> {
        self.ask(|reply| Ask::Ages { reply }).await.unwrap_or_default()
    }

    /// Takes a block out of use; `false`: it is in use.
    pub(crate) async fn retire(&self, network: NetworkId, range: IpNet) -> bool {
        self.ask(|reply| Ask::Retire { network, range, reply }).await.unwrap_or(false)
    }

    /// The block was given back, or the attempt failed.
    pub(crate) async fn retired(&self, network: NetworkId, range: IpNet, known: bool) {
        // At shutdown nobody needs to know.
        drop(self.asks.send(Ask::Retired { network, range, known }).await);
    }

    /// Leases an address to nobody any more; answers the block that it is in.
    pub(crate) async fn set_aside(&self, network: NetworkId, address: IpAddr) -> Answer<IpNet> {
        self.ask(|reply| Ask::SetAside { network, address, reply }).await?
    }

    /// The address that was set aside is another node's, or stays here after all.
    pub(crate) async fn ceded(
        &self,
        network: NetworkId,
        address: IpAddr,
        range: IpNet,
    ) -> Answer<()> {
        self.ask(|reply| Ask::Ceded { network, address, range, reply }).await?
    }

    /// Tells that plain workloads' namespaces are gone.
    pub(crate) async fn gone(&self, netns: Vec<PathBuf>) {
        // At shutdown nobody needs to know.
        drop(self.asks.send(Ask::Gone { netns }).await);
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Answer<T> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(ask(reply)).await.map_err(|_closed| stopping())?;
        answer.await.map_err(|_closed| stopping())
    }
}
