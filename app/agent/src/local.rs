//! What this host has, durable before it is used: attachments, leases, Docker's ids, the epoch.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weft_api::{ApiProblem, ProblemKind};
use weft_docker::{DockerEndpointId, DockerNetworkId};
use weft_life::Life;
use weft_model::{Endpoint, EndpointId, NetworkId};
use weft_registry::{Entry, Op, Txn};
use weft_store::Store;

use crate::problem::{Answer, because};

/// One workload of this host on one network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attachment {
    /// Where it is attached.
    pub(crate) network: NetworkId,
    /// The row that other nodes learn.
    pub(crate) endpoint: Endpoint,
    /// Whose it is.
    pub(crate) workload: Workload,
    /// Whether it has its interface; before, other nodes know nothing of it.
    pub(crate) joined: bool,
    /// Whether it runs; what has ended keeps all but its names until its runtime takes it away.
    #[serde(default)]
    pub(crate) life: Life,
}

/// What is attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Workload {
    /// A container of this host's Docker Engine.
    Docker {
        /// Docker's id of the network.
        network: DockerNetworkId,
        /// Docker's id of the endpoint.
        endpoint: DockerEndpointId,
        /// The file of its namespace, once it has one.
        sandbox: Option<PathBuf>,
    },
    /// Any other process, in a namespace of its own.
    Plain {
        /// The file of its namespace.
        netns: PathBuf,
        /// Tells the namespace from another that has the same file name later.
        inode: u64,
        /// Its address on the egress bridge; absent on internal networks.
        egress: Option<IpAddr>,
    },
}

impl Workload {
    /// The file of its network namespace, if it has one by now.
    pub(crate) fn netns(&self) -> Option<&PathBuf> {
        match self {
            Self::Docker { sandbox, .. } => sandbox.as_ref(),
            Self::Plain { netns, .. } => Some(netns),
        }
    }
}

/// An address of a network, leased by this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Held {
    /// The network.
    pub(crate) network: NetworkId,
    /// The address.
    pub(crate) address: IpAddr,
}

/// Everything that was there when the agent started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remembered {
    /// One more than at the last start.
    pub(crate) epoch: u64,
    /// All attachments.
    pub(crate) attachments: BTreeMap<EndpointId, Attachment>,
    /// All leases; `true`: released, and resting when the agent ended.
    pub(crate) leases: BTreeMap<Held, bool>,
    /// What this host's Docker calls the cluster's networks.
    pub(crate) docker_networks: BTreeMap<DockerNetworkId, NetworkId>,
    /// Blocks that it was about to give back, with the generation that they had.
    pub(crate) given_back: BTreeMap<(NetworkId, IpNet), u64>,
}

/// The durable state.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    store: Arc<dyn Store>,
}

const ATTACHMENT: &str = "/attachment/";
const LEASE: &str = "/lease/";
const DOCKER_NETWORK: &str = "/docker-network/";
const GIVEN_BACK: &str = "/given-back/";
const EPOCH: &str = "/epoch";

impl Local {
    /// Uses `store`.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Reads everything and begins a new epoch, durably: no row of it is older than this.
    ///
    /// # Errors
    ///
    /// If the store fails or holds what cannot be understood.
    pub(crate) async fn begin(&self) -> Answer<Remembered> {
        let snapshot = self.store.range("/").await.map_err(|error| broken(&error))?;
        let mut remembered = Remembered::default();
        for entry in &snapshot.entries {
            recall(entry, &mut remembered)?;
        }
        remembered.epoch += 1;
        self.put(EPOCH.to_owned(), &remembered.epoch).await?;
        Ok(remembered)
    }

    /// Makes the next start's epoch later than `epoch`.
    pub(crate) async fn begin_at(&self, epoch: u64) -> Answer<()> {
        self.put(EPOCH.to_owned(), &epoch).await
    }

    /// Remembers an attachment.
    pub(crate) async fn attach(&self, attachment: &Attachment) -> Answer<()> {
        self.put(format!("{ATTACHMENT}{}", attachment.endpoint.id), attachment).await
    }

    /// Forgets an attachment.
    pub(crate) async fn detach(&self, id: EndpointId) -> Answer<()> {
        self.delete(format!("{ATTACHMENT}{id}")).await
    }

    /// Remembers a lease, or that it was released and rests.
    pub(crate) async fn lease(&self, held: Held, released: bool) -> Answer<()> {
        self.put(lease_key(held), &released).await
    }

    /// Remembers what Docker calls a network.
    pub(crate) async fn docker_network(&self, id: &DockerNetworkId, of: NetworkId) -> Answer<()> {
        self.put(format!("{DOCKER_NETWORK}{id}"), &of).await
    }

    /// Forgets what Docker called a network.
    pub(crate) async fn forget_docker_network(&self, id: &DockerNetworkId) -> Answer<()> {
        self.delete(format!("{DOCKER_NETWORK}{id}")).await
    }

    /// Remembers that a block may be the registry's again: nothing is leased from it after a
    /// restart either, however old the registry is that this host knows then.
    pub(crate) async fn give_back(
        &self,
        network: NetworkId,
        range: IpNet,
        generation: u64,
    ) -> Answer<()> {
        self.put(given_back_key(network, range), &generation).await
    }

    /// The registry that this host knows is newer than that.
    pub(crate) async fn forget_given_back(&self, network: NetworkId, range: IpNet) -> Answer<()> {
        self.delete(given_back_key(network, range)).await
    }

    async fn put(&self, key: String, value: &impl Serialize) -> Answer<()> {
        let value = serde_json::to_vec(value)
            .map_err(|error| because(ProblemKind::Internal, "write local state", &error, BUG))?;
        self.commit(Op::Put { key, value, lease: None }).await
    }

    async fn delete(&self, key: String) -> Answer<()> {
        self.commit(Op::Delete { key }).await
    }

    async fn commit(&self, op: Op) -> Answer<()> {
        let txn = Txn { conditions: Vec::new(), ops: vec![op] };
        self.store.commit(txn).await.map(|_committed| ()).map_err(|error| broken(&error))
    }
}

const BUG: &str = "this is a fault of Weft: please report it";

fn broken(error: &weft_store::StoreError) -> ApiProblem {
    because(ProblemKind::Internal, "this host's state could not be kept", error, error.hint())
}

fn lease_key(held: Held) -> String {
    format!("{LEASE}{}/{}", held.network, held.address)
}

fn given_back_key(network: NetworkId, range: IpNet) -> String {
    format!("{GIVEN_BACK}{network}/{range}")
}

fn recall(entry: &Entry, into: &mut Remembered) -> Answer<()> {
    let key = entry.key.as_str();
    if key == EPOCH {
        into.epoch = parse(entry)?;
    } else if key.starts_with(ATTACHMENT) {
        let attachment: Attachment = parse(entry)?;
        into.attachments.insert(attachment.endpoint.id, attachment);
    } else if let Some(id) = key.strip_prefix(DOCKER_NETWORK) {
        into.docker_networks.insert(DockerNetworkId(id.to_owned()), parse(entry)?);
    } else if let Some(block) = key.strip_prefix(GIVEN_BACK).and_then(block) {
        into.given_back.insert(block, parse(entry)?);
    } else if let Some(held) = key.strip_prefix(LEASE).and_then(held) {
        into.leases.insert(held, parse(entry)?);
    }
    Ok(())
}

fn block(key: &str) -> Option<(NetworkId, IpNet)> {
    let (network, range) = key.split_once('/')?;
    Some((network.parse().ok()?, range.parse().ok()?))
}

fn held(key: &str) -> Option<Held> {
    let (network, address) = key.split_once('/')?;
    Some(Held { network: network.parse().ok()?, address: address.parse().ok()? })
}

fn parse<T: DeserializeOwned>(entry: &Entry) -> Answer<T> {
    serde_json::from_slice(&entry.value).map_err(|error| {
        let what = format!("local state under {} is not understood", entry.key);
        because(ProblemKind::Internal, what, &error, "run the version of Weft that wrote it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_kept_is_there_in_the_next_epoch() {
        let store: Arc<dyn Store> = Arc::new(weft_store::Memory::default());
        let local = Local::new(Arc::clone(&store));
        assert_eq!(local.begin().await.unwrap().epoch, 1);
        let held = Held { network: NetworkId::from_random(7), address: [10, 7, 0, 2].into() };
        local.lease(held, false).await.unwrap();
        local.docker_network(&DockerNetworkId("d1".into()), held.network).await.unwrap();
        let range: IpNet = "10.7.0.0/29".parse().unwrap();
        local.give_back(held.network, range, 3).await.unwrap();
        let next = Local::new(store).begin().await.unwrap();
        assert_eq!(next.epoch, 2);
        assert_eq!(next.leases, BTreeMap::from([(held, false)]));
        assert_eq!(next.docker_networks.len(), 1);
        assert_eq!(next.given_back, BTreeMap::from([((held.network, range), 3)]));
    }
}
