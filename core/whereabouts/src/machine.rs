//! The machine: this node's words, the others' words, and what follows from both.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use weft_model::{Endpoint, EndpointId, NetworkId, NodeId};

use crate::link::Link;
use crate::owner::Owner;
use crate::replica::Replica;
use crate::stream::Stream;
use crate::{Message, RowChange};

/// How often every connected node is told what it should have.
pub(crate) const DIGEST_INTERVAL: Duration = Duration::from_secs(1);

/// What others in the agent are to look at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// Rows of the network came, went, changed, were hidden or shown.
    Changed(NetworkId),
    /// A node, perhaps this one, joined the network or left it.
    ParticipantsChanged(NetworkId),
}

/// A row and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located<'a> {
    /// The node that the endpoint sits on.
    pub owner: NodeId,
    /// The endpoint.
    pub endpoint: &'a Endpoint,
    /// Whether the node is thought to be alive.
    pub visible: bool,
}

/// Every row that this node knows: its own, and those of others on the networks it takes part in.
///
/// Put all rows that survived a restart before the first [`Self::peer_up`]: others keep the rows
/// of the run before until they hear what the new run has, and the first word should be complete.
#[derive(Clone, Debug)]
pub struct Whereabouts {
    pub(crate) me: NodeId,
    pub(crate) epoch: u64,
    /// Counts all changes of this run.
    clock: u64,
    /// The clock when the set of this node's networks last changed.
    pub(crate) participation: u64,
    pub(crate) streams: BTreeMap<NetworkId, Stream>,
    pub(crate) owners: BTreeMap<NodeId, Owner>,
    hidden: BTreeSet<NodeId>,
    pub(crate) links: BTreeMap<NodeId, Link>,
    /// Links that may have something to send.
    pub(crate) ready: BTreeSet<NodeId>,
    pub(crate) events: BTreeSet<Event>,
    digest_at: Option<Instant>,
}

impl Whereabouts {
    /// Knows nothing; `epoch` is greater than in any earlier run of this node, and durable.
    #[must_use]
    pub const fn new(me: NodeId, epoch: u64) -> Self {
        Self {
            me,
            epoch,
            clock: 1,
            participation: 1,
            streams: BTreeMap::new(),
            owners: BTreeMap::new(),
            hidden: BTreeSet::new(),
            links: BTreeMap::new(),
            ready: BTreeSet::new(),
            events: BTreeSet::new(),
            digest_at: None,
        }
    }

    /// Takes part in `network` from now on; does nothing if it already does.
    pub fn join(&mut self, network: NetworkId) {
        if self.streams.contains_key(&network) {
            return;
        }
        self.clock += 1;
        self.streams.insert(network, Stream::new(self.clock));
        self.participation_changed(network);
        for (peer, link) in &mut self.links {
            let owner = self.owners.get(peer);
            if owner.is_some_and(|owner| owner.replicas.contains_key(&network)) {
                link.send_all(network);
            }
        }
    }

    /// Leaves `network`: its rows, this node's and others', are dropped.
    pub fn leave(&mut self, network: NetworkId) {
        if self.streams.remove(&network).is_none() {
            return;
        }
        self.clock += 1;
        let replicas =
            self.owners.values_mut().filter_map(|owner| owner.replicas.get_mut(&network));
        replicas.for_each(Replica::clear);
        self.links.values_mut().for_each(|link| link.drop_network(network));
        self.participation_changed(network);
    }

    /// Makes `endpoint` one of this node's rows, or changes it; joins the network if need be.
    pub fn put(&mut self, network: NetworkId, endpoint: Endpoint) {
        self.join(network);
        self.change(network, RowChange::Put(endpoint));
    }

    /// Ends a row of this node's for good.
    pub fn remove(&mut self, network: NetworkId, endpoint: EndpointId) {
        self.change(network, RowChange::Remove(endpoint));
    }

    /// A connection to `peer` was made: it hears everything that concerns it.
    pub fn peer_up(&mut self, now: Instant, peer: NodeId) {
        if peer == self.me {
            return;
        }
        let mut link = Link { participation: true, ..Link::default() };
        let shared = self.streams.keys().filter(|network| self.takes_part(peer, **network));
        shared.for_each(|&network| link.send_all(network));
        self.links.insert(peer, link);
        self.ready.insert(peer);
        self.digest_at.get_or_insert(now + DIGEST_INTERVAL);
    }

    /// The connection to `peer` was lost: its rows stay.
    pub fn peer_down(&mut self, peer: NodeId) {
        self.links.remove(&peer);
        self.ready.remove(&peer);
        if self.links.is_empty() {
            self.digest_at = None;
        }
    }

    /// `peer` is thought to be dead: its rows are there, but not visible.
    pub fn hide(&mut self, peer: NodeId) {
        if self.hidden.insert(peer) {
            self.rows_changed_of(peer);
        }
    }

    /// `peer` is alive.
    pub fn show(&mut self, peer: NodeId) {
        if self.hidden.remove(&peer) {
            self.rows_changed_of(peer);
        }
    }

    /// `peer` was removed from the registry: so are its rows.
    pub fn forget(&mut self, peer: NodeId) {
        self.peer_down(peer);
        self.rows_changed_of(peer);
        self.hidden.remove(&peer);
        let owner = self.owners.remove(&peer).unwrap_or_default();
        self.events.extend(owner.replicas.into_keys().map(Event::ParticipantsChanged));
    }

    /// Prepares digests when they are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.digest_at.is_some_and(|due| now >= due) {
            self.digest_at = Some(now + DIGEST_INTERVAL);
            self.links.values_mut().for_each(|link| link.digest = true);
            self.ready.extend(self.links.keys());
        }
    }

    /// When [`Self::handle_timeout`] is to be called next.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.digest_at
    }

    /// The next thing that others in the agent are to look at; each is told once until it is taken.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_first()
    }

    /// All rows on `network`, this node's first.
    pub fn rows(&self, network: NetworkId) -> impl Iterator<Item = Located<'_>> {
        let own = self.streams.get(&network).into_iter().flat_map(|stream| stream.rows().values());
        let own = own.map(|endpoint| Located { owner: self.me, endpoint, visible: true });
        let others = self.owners.iter().flat_map(move |(&owner, known)| {
            let visible = !self.hidden.contains(&owner);
            let rows = known.replicas.get(&network).into_iter().flat_map(|r| r.rows().values());
            rows.map(move |endpoint| Located { owner, endpoint, visible })
        });
        own.chain(others)
    }

    /// The nodes that take part in `network`, alive or not.
    #[must_use]
    pub fn participants(&self, network: NetworkId) -> BTreeSet<NodeId> {
        let others = self.owners.keys().copied().filter(|&peer| self.takes_part(peer, network));
        let me = self.streams.contains_key(&network).then_some(self.me);
        others.chain(me).collect()
    }

    /// Whether it is known what `node` has on `network`, be it nothing.
    ///
    /// Until then nothing that leads to it is to be taken away: silence is not its owner's word.
    #[must_use]
    pub fn heard(&self, network: NetworkId, node: NodeId) -> bool {
        let Some(owner) = self.owners.get(&node) else { return node == self.me };
        owner.version > 0 && owner.replicas.get(&network).is_none_or(Replica::is_heard)
    }

    /// The networks that this node takes part in.
    #[must_use]
    pub fn networks(&self) -> BTreeSet<NetworkId> {
        self.streams.keys().copied().collect()
    }

    /// Who takes part in what, everywhere: a network that stands here is in use.
    #[must_use]
    pub fn in_use(&self) -> BTreeMap<NetworkId, BTreeSet<NodeId>> {
        let mut all: BTreeMap<NetworkId, BTreeSet<NodeId>> = BTreeMap::new();
        for &network in self.streams.keys() {
            all.entry(network).or_default().insert(self.me);
        }
        for (&node, owner) in &self.owners {
            for &network in owner.replicas.keys() {
                all.entry(network).or_default().insert(node);
            }
        }
        all
    }

    /// Whether `peer` is known to take part in `network`.
    pub(crate) fn takes_part(&self, peer: NodeId, network: NetworkId) -> bool {
        self.owners.get(&peer).is_some_and(|owner| owner.replicas.contains_key(&network))
    }

    /// This node's participation, as it is told to others.
    pub(crate) fn own_participation(&self) -> Message {
        let networks = self.networks();
        Message::Participation { epoch: self.epoch, version: self.participation, networks }
    }

    fn change(&mut self, network: NetworkId, change: RowChange) {
        let Some(stream) = self.streams.get_mut(&network) else { return };
        if !stream.change(self.clock + 1, change) {
            return;
        }
        self.clock += 1;
        self.events.insert(Event::Changed(network));
        for (&peer, link) in &mut self.links {
            let owner = self.owners.get(&peer);
            if owner.is_some_and(|owner| owner.replicas.contains_key(&network)) {
                link.dirty.insert(network);
                self.ready.insert(peer);
            }
        }
    }

    fn participation_changed(&mut self, network: NetworkId) {
        self.participation = self.clock;
        self.links.values_mut().for_each(|link| link.participation = true);
        self.ready.extend(self.links.keys());
        self.events.extend([Event::Changed(network), Event::ParticipantsChanged(network)]);
    }

    fn rows_changed_of(&mut self, peer: NodeId) {
        let replicas = self.owners.get(&peer).into_iter().flat_map(|owner| &owner.replicas);
        let with_rows = replicas.filter(|(_, replica)| !replica.rows().is_empty());
        self.events.extend(with_rows.map(|(&network, _)| Event::Changed(network)));
    }
}
