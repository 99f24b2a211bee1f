//! All streams of one network, as far as they are known here, this node's among them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand_pcg::Pcg64Mcg;
use weft_model::NodeId;

use crate::head::{Sums, is_in};
use crate::stream::Stream;
use crate::{Head, Presence, Seal};

/// An answer is awaited for this long before the question is asked again.
const PATIENCE: Duration = Duration::from_millis(250);

/// One network.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    streams: BTreeMap<NodeId, Stream>,
    sums: Sums,
    /// Streams that were asked for, and when; `true`: the answer is to be passed on.
    asked: BTreeMap<NodeId, (Instant, bool)>,
    /// Until when this node listens without having endpoints.
    pub(crate) until: Option<Instant>,
    /// Whether anybody has said who takes part.
    pub(crate) answered: bool,
    /// Who is to hear of changes; absent: it may have changed.
    targets: Option<Vec<NodeId>>,
    /// Who came since: in a network that starts all at once everybody is new once.
    newcomers: Vec<NodeId>,
}

impl Table {
    /// Nothing but the own stream.
    pub(crate) fn new(me: NodeId, head: Head) -> Self {
        let mut sums = Sums::new();
        sums.replace(me, Head::default(), head);
        Self {
            streams: BTreeMap::from([(me, Stream::at(head))]),
            sums,
            asked: BTreeMap::new(),
            until: None,
            answered: false,
            targets: None,
            newcomers: Vec::new(),
        }
    }

    pub(crate) const fn sums(&self) -> &Sums {
        &self.sums
    }

    pub(crate) fn stream(&self, owner: NodeId) -> Option<&Stream> {
        self.streams.get(&owner)
    }

    pub(crate) fn streams(&self) -> impl Iterator<Item = (NodeId, &Stream)> {
        self.streams.iter().map(|(owner, stream)| (*owner, stream))
    }

    /// How far an owner's word is known.
    pub(crate) fn head(&self, owner: NodeId) -> Head {
        self.streams.get(&owner).map(Stream::head).unwrap_or_default()
    }

    /// Takes note that a node takes part; `true`: that is new.
    pub(crate) fn discover(&mut self, node: NodeId) -> bool {
        let new = !self.streams.contains_key(&node);
        if new {
            self.streams.insert(node, Stream::unheard());
            self.newcomers.push(node);
        }
        new
    }

    /// Changes a stream and keeps what is derived from it in line.
    pub(crate) fn update<R>(&mut self, owner: NodeId, change: impl FnOnce(&mut Stream) -> R) -> R {
        let stream = self.streams.entry(owner).or_insert_with(|| {
            self.newcomers.push(owner);
            Stream::unheard()
        });
        let (head, presence) = (stream.head(), stream.presence());
        let result = change(stream);
        if stream.head() != head {
            self.sums.replace(owner, head, stream.head());
        }
        if stream.presence() != presence {
            self.targets = None;
        }
        result
    }

    /// Another's word is taken: its stream is this now. `true`: it was waited for, to be passed on.
    pub(crate) fn take(&mut self, owner: NodeId, next: Stream) -> bool {
        self.update(owner, |stream| *stream = next);
        self.asked.remove(&owner).is_some_and(|(_, fresh)| fresh)
    }

    /// The own stream is to be told, under this seal.
    pub(crate) fn set_seal(&mut self, me: NodeId, seal: Seal) {
        if let Some(own) = self.streams.get_mut(&me) {
            own.set_seal(seal);
        }
    }

    /// Whether to ask now; not while an answer to an earlier question is on its way.
    pub(crate) fn ask(&mut self, now: Instant, owner: NodeId, fresh: bool) -> bool {
        let before = self.asked.get(&owner).copied();
        let due = before.is_none_or(|(asked, _)| now >= asked + PATIENCE);
        let since = before.map_or(now, |(asked, _)| if due { now } else { asked });
        self.asked.insert(owner, (since, fresh || before.is_some_and(|(_, fresh)| fresh)));
        due
    }

    /// A node is no member any more.
    pub(crate) fn forget(&mut self, node: NodeId) -> Option<Stream> {
        let stream = self.streams.remove(&node)?;
        self.sums.replace(node, stream.head(), Head::default());
        self.asked.remove(&node);
        self.targets = None;
        Some(stream)
    }

    /// The streams in some buckets.
    pub(crate) fn heads(&self, buckets: u64) -> Vec<(NodeId, Head)> {
        let heard = self.streams.iter().filter(|(_, stream)| stream.is_heard());
        let within = heard.filter(|(owner, _)| is_in(**owner, buckets));
        within.map(|(owner, stream)| (*owner, stream.head())).collect()
    }

    /// Who holds a table of this network, this node not counted.
    pub(crate) fn participants(&self, me: NodeId) -> impl Iterator<Item = NodeId> {
        let listening = move |(owner, stream): &(&NodeId, &Stream)| {
            **owner != me && stream.presence() != Presence::Left
        };
        self.streams.iter().filter(listening).map(|(owner, _)| *owner)
    }

    /// Who is to hear of changes has to be found anew.
    pub(crate) fn review(&mut self) {
        self.targets = None;
    }

    /// How many are to hear of changes.
    pub(crate) fn target_count(&mut self, me: NodeId, hidden: &BTreeSet<NodeId>) -> usize {
        self.targets(me, hidden).len()
    }

    /// Some of those who are to hear of changes, drawn by lot.
    pub(crate) fn draw(
        &mut self,
        (me, hidden): (NodeId, &BTreeSet<NodeId>),
        count: usize,
        dice: &mut Pcg64Mcg,
    ) -> Vec<NodeId> {
        let targets = self.targets(me, hidden);
        let count = count.min(targets.len());
        for at in 0..count {
            let other = dice.random_range(at..targets.len());
            targets.swap(at, other);
        }
        targets.iter().take(count).copied().collect()
    }

    fn targets(&mut self, me: NodeId, hidden: &BTreeSet<NodeId>) -> &mut Vec<NodeId> {
        let newcomers = std::mem::take(&mut self.newcomers);
        let up = |node: &NodeId| *node != me && !hidden.contains(node);
        let targets = match self.targets.take() {
            Some(mut known) => {
                known.extend(newcomers.into_iter().filter(up));
                known
            }
            None => self.participants(me).filter(up).collect(),
        };
        self.targets.insert(targets)
    }
}
