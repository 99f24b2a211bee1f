//! What follows from the state: the kernel's target, the zones, the pictures.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;
use tokio::sync::watch;
use weft_docker::{ClusterNetwork, ClusterNetworks};
use weft_model::{EndpointId, NetworkId, Node, NodeId};
use weft_path::{Facts, Located};

use super::{Picture, State};
use crate::adopt::Unheard;
use crate::events::EventsHandle;
use crate::local::{Held, Workload};
use crate::member::Surroundings;
use crate::names::{Behind, Listener, Listeners, Meant};
use crate::reconcile::Target;

/// Where the state's consequences go.
#[derive(Debug)]
pub(crate) struct Outputs {
    /// For everybody to read.
    pub(crate) picture: watch::Sender<Arc<Picture>>,
    /// For those who look back.
    pub(crate) events: EventsHandle,
    /// For the reconciler.
    pub(crate) target: watch::Sender<Target>,
    /// For the resolver, once the kernel is as far.
    pub(crate) meant: watch::Sender<Meant>,
    /// For the manager on this node, if there is one.
    pub(crate) in_use: watch::Sender<Arc<BTreeMap<NetworkId, BTreeSet<NodeId>>>>,
    /// For the mirror.
    pub(crate) cluster_networks: watch::Sender<ClusterNetworks>,
    /// Blocks that this node may give back.
    pub(crate) idle_blocks: watch::Sender<Vec<(NetworkId, IpNet)>>,
    /// Networks of which this node should claim another block before it needs it, each with the newest
    /// block that it has.
    pub(crate) low_networks: watch::Sender<Vec<(NetworkId, u64)>>,
}

/// The other ends of [`Outputs`], where they are new with each membership.
#[derive(Debug)]
pub(crate) struct Seen {
    /// For everybody to read.
    pub(crate) picture: watch::Receiver<Arc<Picture>>,
    /// For the reconciler.
    pub(crate) target: watch::Receiver<Target>,
    /// For the resolver, once the kernel is as far.
    pub(crate) meant: watch::Receiver<Meant>,
    /// For the resolver's sockets.
    pub(crate) listeners: watch::Receiver<Arc<Listeners>>,
    /// Opens them, when their names can be told.
    pub(crate) listening: watch::Sender<Arc<Listeners>>,
    /// Blocks that this node may give back.
    pub(crate) idle_blocks: watch::Receiver<Vec<(NetworkId, IpNet)>>,
    /// Networks of which this node should claim another block before it needs it, each with the newest
    /// block that it has.
    pub(crate) low_networks: watch::Receiver<Vec<(NetworkId, u64)>>,
}

impl Outputs {
    /// New channels, beside those of the surroundings and the manager's; the last is for the mirror, once
    /// the membership answers for what is in it.
    pub(crate) fn new(
        me: &Node,
        around: &Surroundings,
        in_use: watch::Sender<Arc<BTreeMap<NetworkId, BTreeSet<NodeId>>>>,
    ) -> (Self, Seen, watch::Receiver<ClusterNetworks>) {
        let (picture, picture_seen) = watch::channel(Arc::new(Picture::empty(me.clone())));
        let (target, target_seen) = watch::channel(Target::default());
        let (meant, meant_seen) = watch::channel(Meant::default());
        let (listening, listeners) = watch::channel(Arc::default());
        let (idle_blocks, idle_seen) = watch::channel(Vec::new());
        let (low_networks, low_seen) = watch::channel(Vec::new());
        let (cluster_networks, networks_seen) = watch::channel(None);
        let out = Self {
            picture,
            events: around.events.clone(),
            target,
            meant,
            in_use,
            cluster_networks,
            idle_blocks,
            low_networks,
        };
        let seen = Seen {
            picture: picture_seen,
            target: target_seen,
            meant: meant_seen,
            listening,
            listeners,
            idle_blocks: idle_seen,
            low_networks: low_seen,
        };
        (out, seen, networks_seen)
    }
}

impl State {
    /// Publishes whatever changed; answers the generation of the kernel's target.
    pub(crate) fn publish(&mut self) -> u64 {
        let disbelieved = self.disbelieved();
        let facts = Arc::new(self.facts(&disbelieved));
        let unheard = Arc::new(self.unheard());
        if unheard.is_empty() {
            self.silent_until = None;
        }
        let desired = self.desired(&facts);
        let generation = match view_is_known(&self.followed.view) {
            true => publish_target(&self.out.target, desired, Arc::clone(&unheard)),
            false => self.out.target.borrow().generation,
        };
        let (zones, settled) = (Arc::new(weft_path::zones(&facts)), self.silent_until.is_none());
        let listeners = Arc::new(self.listeners());
        set(&self.out.meant, Meant { generation, zones, settled, listeners });
        set(&self.out.in_use, Arc::new(self.whereabouts.in_use()));
        set(&self.out.cluster_networks, self.cluster_networks());
        self.date(&facts);
        let picture = Arc::new(self.picture(facts, &unheard, generation));
        self.out.events.picture(&picture);
        self.out.picture.send_replace(picture);
        generation
    }

    fn picture(&self, facts: Arc<Facts>, unheard: &Unheard, generation: u64) -> Picture {
        let leased = |(network, lessor): (&NetworkId, &weft_addresses::Lessor)| {
            let network = *network;
            lessor.leased().map(move |address| Held { network, address }).collect::<Vec<_>>()
        };
        Picture {
            me: self.me.clone(),
            view: Arc::clone(&self.followed.view),
            facts,
            attachments: Arc::new(self.attachments.clone()),
            docker_networks: Arc::new(self.docker_networks.clone()),
            last_macs: Arc::clone(&self.last_macs),
            leased: Arc::new(self.lessors.iter().flat_map(leased).collect()),
            disowned: self.disowned,
            doubled: self.doubled,
            managed: self.followed.is_fresh(),
            settled: self.silent_until.is_none_or(|until| until <= Self::now()),
            false_claims: Arc::new(self.claims.standing()),
            standings: Arc::new(self.membership.standings().collect()),
            since: Arc::clone(&self.known_since),
            unheard: self.unheard_though_up(unheard),
            generation,
            in_use: Arc::new(self.whereabouts.in_use()),
        }
    }

    /// What decides every packet's path, as far as this node knows.
    fn facts(&self, disbelieved: &BTreeSet<(NodeId, EndpointId)>) -> Facts {
        let view = &self.followed.view;
        let mut facts = Facts {
            networks: view.networks().clone(),
            nodes: view.nodes().clone(),
            ended: self.ended(),
            inner_mtu: self.inner_mtu,
            vxlan_port: self.vxlan_port(),
            ..Facts::default()
        };
        for id in view.networks().keys() {
            let believed = self
                .whereabouts
                .rows(*id)
                .filter(|row| !disbelieved.contains(&(row.owner, row.endpoint.id)));
            let rows = believed.map(|row| Located {
                network: *id,
                owner: row.owner,
                endpoint: row.endpoint.clone(),
                visible: row.visible,
            });
            facts.endpoints.extend(rows.map(|located| (located.endpoint.id, located)));
        }
        facts
    }

    /// Addresses of this host's whose last workload has ended.
    fn ended(&self) -> BTreeMap<NetworkId, BTreeSet<IpAddr>> {
        let taken = self.attachments.values().flat_map(|of| {
            of.endpoint.addresses.iter().map(|address| ((of.network, *address), of.life))
        });
        let kept = self.lessors.iter().flat_map(|(&network, lessor)| {
            lessor.leased().chain(lessor.resting()).map(move |address| Held { network, address })
        });
        // Of those that nobody here had, as of gateways, there is nothing to be taken back.
        let given_back = kept.filter(|held| self.last_macs.contains_key(held));
        let given_back = given_back.map(|Held { network, address }| (network, address));
        let mut all: BTreeMap<NetworkId, BTreeSet<IpAddr>> = BTreeMap::new();
        for (network, address) in weft_life::ended(taken, given_back) {
            all.entry(network).or_default().insert(address);
        }
        all
    }

    fn listeners(&self) -> Listeners {
        let mut listeners = Listeners::new();
        if self.silent_until.is_some_and(|until| Self::now() < until) {
            return listeners;
        }
        for attachment in self.attachments.values().filter(|attachment| attachment.joined) {
            let Some(path) = attachment.workload.netns() else { continue };
            let resolver = match attachment.workload {
                Workload::Docker { .. } => Behind::Docker,
                Workload::Plain { .. } => Behind::Host,
            };
            let listener = Listener { networks: BTreeSet::new(), resolver };
            let entry = listeners.entry(PathBuf::clone(path)).or_insert(listener);
            entry.networks.insert(attachment.network);
        }
        listeners
    }

    fn cluster_networks(&self) -> ClusterNetworks {
        self.followed.view.cluster()?;
        let listed = |network: &weft_model::Network| {
            let here = self.docker_networks.iter().filter(|(_, of)| **of == network.id);
            ClusterNetwork {
                network: Arc::new(network.clone()),
                here: here.map(|(id, _)| id.clone()).collect(),
            }
        };
        let all = self.followed.view.networks().values();
        Some(Arc::new(all.map(|network| (network.id, listed(network))).collect()))
    }
}

/// Without the registry nothing is known of what the kernel should hold.
fn view_is_known(view: &weft_registry::View) -> bool {
    view.cluster().is_some()
}

fn set<T: PartialEq>(sender: &watch::Sender<T>, value: T) {
    sender.send_if_modified(|known| {
        let differs = *known != value;
        if differs {
            *known = value;
        }
        differs
    });
}

fn publish_target(
    sender: &watch::Sender<Target>,
    desired: weft_plan::Desired,
    unheard: Arc<Unheard>,
) -> u64 {
    sender.send_if_modified(|known| {
        let differs = *known.desired != desired || known.unheard != unheard;
        if differs {
            *known =
                Target { generation: known.generation + 1, desired: Arc::new(desired), unheard };
        }
        differs
    });
    sender.borrow().generation
}
