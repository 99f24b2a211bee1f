//! The machine: this node's words, the others' words, and what follows from both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand_pcg::Pcg64Mcg;
use weft_model::{Endpoint, EndpointId, NetworkId, NodeId};

use crate::directory::{Directory, Members};
use crate::outbox::{Detail, Outbox, Say};
use crate::spread::Relay;
use crate::stream::Stream;
use crate::table::Table;
use crate::{Head, Notary, Presence, RowChange, StreamId};

/// How long a node listens to a network after its last endpoint there is gone.
pub const LINGER: Duration = Duration::from_secs(300);
/// Newcomers ask so many participants at once for everything.
const TEACHERS: usize = 3;

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
/// It takes messages in any order, lost or doubled. Put all rows that survived a restart before
/// the first [`Self::set_members`]: others keep the rows of the run before until they hear what the
/// new run has, and the first word should be complete.
#[derive(Clone, Debug)]
pub struct Whereabouts {
    pub(crate) me: NodeId,
    pub(crate) epoch: u64,
    /// Counts all changes of this run.
    pub(crate) clock: u64,
    pub(crate) dice: Pcg64Mcg,
    /// The clock when the set of this node's networks last changed.
    pub(crate) participation: u64,
    pub(crate) tables: BTreeMap<NetworkId, Table>,
    pub(crate) directory: Directory,
    pub(crate) hidden: BTreeSet<NodeId>,
    /// Nodes that there is something to say to.
    pub(crate) outboxes: BTreeMap<NodeId, Outbox>,
    pub(crate) relays: BTreeMap<StreamId, Relay>,
    pub(crate) relay_at: Option<Instant>,
    pub(crate) tick_at: Option<Instant>,
    pub(crate) events: BTreeSet<Event>,
    pub(crate) notary: Arc<dyn Notary>,
}

impl Whereabouts {
    /// Knows nothing; `epoch` is greater than in any earlier run of this node, and durable. All
    /// that it draws by lot comes from `seed`; `notary` signs with the key that the registry has of
    /// this node.
    #[must_use]
    pub fn new(me: NodeId, epoch: u64, seed: u64, notary: Arc<dyn Notary>) -> Self {
        Self {
            me,
            epoch,
            clock: 1,
            dice: Pcg64Mcg::seed_from_u64(seed),
            participation: 1,
            tables: BTreeMap::new(),
            directory: Directory::default(),
            hidden: BTreeSet::new(),
            outboxes: BTreeMap::new(),
            relays: BTreeMap::new(),
            relay_at: None,
            tick_at: None,
            events: BTreeSet::new(),
            notary,
        }
    }

    /// Takes part in `network` from now on; does nothing if it already does.
    pub fn join(&mut self, network: NetworkId) {
        if self.is_here(network) {
            return;
        }
        self.clock += 1;
        let (me, version) = (self.me, self.clock);
        let head = Head { epoch: self.epoch, version };
        let stream = StreamId { network, owner: me };
        let attending = self.directory.attendance.iter();
        let attending = attending.filter(|(_, of)| of.networks.contains(&network));
        let known: Vec<NodeId> = attending.map(|(node, _)| *node).collect();
        let table = self.tables.entry(network).or_insert_with(|| Table::new(me, head));
        let before = table.head(me).version;
        if before != version {
            table.update(me, |own| own.set_presence(version, Presence::Here));
        }
        table.until = None;
        for node in known {
            table.discover(node);
        }
        self.participation_changed(network);
        self.push(stream, if before == version { 0 } else { before });
        self.ask_teachers(network);
    }

    /// Leaves `network`: this node's rows end, others' are not shown, and after a while not kept.
    pub fn leave(&mut self, now: Instant, network: NetworkId) {
        if !self.is_here(network) {
            return;
        }
        self.set_presence(network, Presence::Lingering);
        if let Some(table) = self.tables.get_mut(&network) {
            table.until = Some(now + LINGER);
        }
        self.participation_changed(network);
    }

    /// Makes `endpoint` one of this node's rows, or changes it; joins the network if need be.
    pub fn put(&mut self, network: NetworkId, endpoint: Endpoint) {
        self.join(network);
        self.change(network, RowChange::Put(Arc::new(endpoint)));
    }

    /// Ends a row of this node's for good.
    pub fn remove(&mut self, network: NetworkId, endpoint: EndpointId) {
        self.change(network, RowChange::Remove(endpoint));
    }

    /// Takes over the registry's nodes: who is not among them has no rows.
    pub fn set_members(&mut self, now: Instant, members: Arc<Members>) {
        let gone = self.directory.set_members(members);
        gone.into_iter().for_each(|node| self.forget(node));
        self.start_ticking(now);
    }

    /// Does not listen on to networks that `exists` denies.
    pub fn retain(&mut self, exists: impl Fn(NetworkId) -> bool) {
        let me = self.me;
        let here = |table: &Table| table.stream(me).map(Stream::presence) == Some(Presence::Here);
        self.tables.retain(|network, table| here(table) || exists(*network));
    }

    /// `peer` can be talked to, perhaps after a long time: both hear what they missed.
    pub fn peer_up(&mut self, peer: NodeId) {
        if peer == self.me || !self.directory.is_member(peer) {
            return;
        }
        if self.directory.general_tellers(self.me).contains(&peer) {
            self.say(peer, Say::Participation, Detail::Plain);
        }
        self.compare_with(peer);
    }

    /// `peer` is thought to be dead: its rows are there, but not visible.
    pub fn hide(&mut self, peer: NodeId) {
        if self.hidden.insert(peer) {
            self.visibility_changed(peer);
        }
    }

    /// `peer` is alive.
    pub fn show(&mut self, peer: NodeId) {
        if self.hidden.remove(&peer) {
            self.visibility_changed(peer);
            self.compare_with(peer);
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.relay_at.is_some_and(|due| now >= due) {
            self.relay();
        }
        if self.tick_at.is_some_and(|due| now >= due) {
            self.tick(now);
        }
    }

    /// When [`Self::handle_timeout`] is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.relay_at.into_iter().chain(self.tick_at).min()
    }

    /// The next thing that others in the agent are to look at; each is told once until it is taken.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_first()
    }

    fn change(&mut self, network: NetworkId, change: RowChange) {
        let (me, version) = (self.me, self.clock + 1);
        let Some(table) = self.tables.get_mut(&network) else { return };
        let before = table.head(me).version;
        if table.update(me, |own| own.change(version, change)) {
            self.clock = version;
            self.events.insert(Event::Changed(network));
            self.push(StreamId { network, owner: me }, before);
        }
    }

    /// Changes this node's own presence and tells it.
    pub(crate) fn set_presence(&mut self, network: NetworkId, presence: Presence) {
        self.clock += 1;
        let (me, version) = (self.me, self.clock);
        let Some(table) = self.tables.get_mut(&network) else { return };
        let before = table.head(me).version;
        table.update(me, |own| own.set_presence(version, presence));
        self.push(StreamId { network, owner: me }, before);
    }

    fn participation_changed(&mut self, network: NetworkId) {
        self.participation = self.clock;
        let tellers = self.directory.tellers(network, self.me, &self.hidden);
        for teller in tellers {
            self.say(teller, Say::Participation, Detail::Plain);
            if !self.directory.is_small() {
                self.say(teller, Say::DirectoryRequest(network), Detail::Plain);
            }
        }
        self.events.extend([Event::Changed(network), Event::ParticipantsChanged(network)]);
    }

    /// Asks some participants for all that they know.
    pub(crate) fn ask_teachers(&mut self, network: NetworkId) {
        let (me, hidden) = (self.me, &self.hidden);
        let Some(table) = self.tables.get_mut(&network) else { return };
        for teacher in table.draw((me, hidden), TEACHERS, &mut self.dice) {
            self.say(teacher, Say::Heads(network), Detail::In(u64::MAX));
        }
    }

    /// Compares all that is known of common networks.
    fn compare_with(&mut self, peer: NodeId) {
        let shares = |table: &Table| {
            table.stream(peer).is_some_and(|stream| stream.presence() != Presence::Left)
        };
        let shared = self.tables.iter().filter(|(_, table)| shares(table));
        let shared: Vec<NetworkId> = shared.map(|(network, _)| *network).collect();
        for network in shared {
            self.say(peer, Say::Digest(network), Detail::Plain);
        }
    }

    fn visibility_changed(&mut self, peer: NodeId) {
        self.directory.review();
        for (&network, table) in &mut self.tables {
            let Some(stream) = table.stream(peer) else { continue };
            if !stream.rows().is_empty() {
                self.events.insert(Event::Changed(network));
            }
            table.review();
        }
    }

    /// `peer` was removed from the registry: so are its rows.
    fn forget(&mut self, peer: NodeId) {
        self.hidden.remove(&peer);
        self.outboxes.remove(&peer);
        if let Some(attendance) = self.directory.attendance.remove(&peer) {
            self.events.extend(attendance.networks.into_iter().map(Event::ParticipantsChanged));
        }
        for (&network, table) in &mut self.tables {
            let Some(stream) = table.forget(peer) else { continue };
            self.events.insert(Event::ParticipantsChanged(network));
            if !stream.rows().is_empty() {
                self.events.insert(Event::Changed(network));
            }
        }
    }

    /// Whether this node has endpoints on `network`, or is about to.
    pub(crate) fn is_here(&self, network: NetworkId) -> bool {
        let own = self.tables.get(&network).and_then(|table| table.stream(self.me));
        own.is_some_and(|stream| stream.presence() == Presence::Here)
    }

    pub(crate) fn say(&mut self, to: NodeId, say: Say, detail: Detail) {
        self.outboxes.entry(to).or_default().put(say, detail);
    }
}
