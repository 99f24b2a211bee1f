//! What the node knows at one moment, for everybody to read.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use weft_docker::DockerNetworkId;
use weft_membership::Standing;
use weft_model::{Endpoint, EndpointId, MacAddr, NetworkId, Node, NodeId, Vni};
use weft_path::Facts;
use weft_registry::View;

use crate::local::{Attachment, Held};

/// A node's knowledge.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Picture {
    /// This node.
    pub(crate) me: Node,
    /// The registry.
    pub(crate) view: Arc<View>,
    /// What decides every packet's path.
    pub(crate) facts: Arc<Facts>,
    /// The workloads of this host.
    pub(crate) attachments: Arc<BTreeMap<EndpointId, Attachment>>,
    /// What this host's Docker calls the cluster's networks.
    pub(crate) docker_networks: Arc<BTreeMap<DockerNetworkId, NetworkId>>,
    /// Addresses leased here.
    pub(crate) leased: Arc<BTreeSet<Held>>,
    /// The MACs that addresses had here last.
    pub(crate) last_macs: Arc<BTreeMap<Held, MacAddr>>,
    /// Whether a manager said lately that this node is no member of the cluster.
    pub(crate) disowned: bool,
    /// Whether another node said lately that another host is this node.
    pub(crate) doubled: bool,
    /// Whether a manager confirms the registry at this moment.
    pub(crate) managed: bool,
    /// Whether the others have said what they have since this agent started, or had their time.
    pub(crate) settled: bool,
    /// How many rows of a node are not believed, after a while of grace.
    pub(crate) false_claims: Arc<BTreeMap<NodeId, usize>>,
    /// Who is up, this node not counted.
    pub(crate) standings: Arc<BTreeMap<NodeId, Standing>>,
    /// When each row was first known here as it is now.
    pub(crate) since: Arc<BTreeMap<EndpointId, SystemTime>>,
    /// Networks here of which a node that is up has not said yet what it has there.
    pub(crate) unheard: BTreeSet<Vni>,
    /// Of the kernel's target that follows from all this.
    pub(crate) generation: u64,
    /// Who has endpoints where.
    pub(crate) in_use: Arc<BTreeMap<NetworkId, BTreeSet<NodeId>>>,
}

impl Picture {
    /// What a node knows before it knows anything.
    pub(crate) fn empty(me: Node) -> Self {
        Self {
            me,
            view: Arc::default(),
            facts: Arc::default(),
            attachments: Arc::default(),
            docker_networks: Arc::default(),
            leased: Arc::default(),
            last_macs: Arc::default(),
            disowned: false,
            doubled: false,
            managed: false,
            settled: false,
            false_claims: Arc::default(),
            standings: Arc::default(),
            since: Arc::default(),
            unheard: BTreeSet::new(),
            generation: 0,
            in_use: Arc::default(),
        }
    }

    /// Whether this host has leased `address`.
    pub(crate) fn holds(&self, network: NetworkId, address: IpAddr) -> bool {
        self.leased.contains(&Held { network, address })
    }

    /// The MAC for a new endpoint: 48 random bits, unless the address had one before: others
    /// may still know it.
    pub(crate) fn mac(&self, network: NetworkId, address: IpAddr) -> MacAddr {
        let last = self.last_macs.get(&Held { network, address }).copied();
        let free = last.filter(|mac| self.with_mac(network, *mac).is_none());
        free.unwrap_or_else(|| MacAddr::from_random(rand::random()))
    }

    /// The endpoint of `network` that has `mac`.
    pub(crate) fn with_mac(&self, network: NetworkId, mac: MacAddr) -> Option<EndpointId> {
        self.with(network, |endpoint| endpoint.mac == mac)
    }

    /// The endpoint of `network` that has `address`.
    pub(crate) fn with_address(&self, network: NetworkId, address: IpAddr) -> Option<EndpointId> {
        self.with(network, |endpoint| endpoint.addresses.contains(&address))
    }

    fn with(&self, network: NetworkId, is: impl Fn(&Endpoint) -> bool) -> Option<EndpointId> {
        let here = self.attachments.values().filter(|a| a.network == network).map(|a| &a.endpoint);
        let rows = self.facts.endpoints_of(network).map(|located| &located.endpoint);
        here.chain(rows).find(|endpoint| is(endpoint)).map(|endpoint| endpoint.id)
    }
}
