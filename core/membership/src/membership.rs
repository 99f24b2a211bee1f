//! The machine: the registry's nodes, connections and SWIM, and what follows from the three.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use weft_model::NodeId;

use crate::codec::Malformed;
use crate::event::Event;
use crate::roll::Roll;
use crate::roster::kind;
use crate::settings::Settings;
use crate::standing::Standing;
use crate::swim::{News, Out, Swim};
use crate::transmit::{Carrier, Transmit};
use crate::trouble::{Told, Trouble};
use crate::who::{Short, Who, short};

/// After its start a node waits for so long until it says of others that they are down.
const ARRIVAL: Duration = Duration::from_secs(3);
/// The same if it is not connected with all of them.
const SLOW_ARRIVAL: Duration = Duration::from_secs(10);

/// Every other node's standing.
#[derive(Debug)]
pub struct Membership {
    pub(crate) me: NodeId,
    pub(crate) roll: Arc<Roll>,
    pub(crate) swim: Swim,
    pub(crate) dice: Pcg64Mcg,
    settings: Settings,
    /// Nodes of the roll with which something is wrong.
    pub(crate) troubles: BTreeMap<NodeId, Trouble>,
    /// Nothing is to be told of them before.
    review_at: Option<Instant>,
    connected: BTreeSet<NodeId>,
    /// Others say that these are down; they are asked themselves until then.
    pub(crate) accused: BTreeMap<Short, (Who, Instant)>,
    /// When the next roster is compared.
    pub(crate) compare_at: Option<Instant>,
    /// Until when rosters are compared in quick succession.
    pub(crate) hurry_until: Option<Instant>,
    pub(crate) outgoing: VecDeque<Transmit>,
    events: VecDeque<Event>,
}

impl Membership {
    /// Nobody is known. `epoch` is the run of this node's agent, and greater than in any earlier
    /// one; all that is drawn by lot comes from `seed`.
    #[must_use]
    pub fn new(me: NodeId, epoch: u64, seed: u64, settings: Settings) -> Self {
        Self {
            me,
            roll: Arc::default(),
            swim: Swim::new(Who::new(me, epoch), seed),
            dice: Pcg64Mcg::seed_from_u64(!seed),
            settings,
            troubles: BTreeMap::new(),
            review_at: None,
            connected: BTreeSet::new(),
            accused: BTreeMap::new(),
            compare_at: None,
            hurry_until: None,
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes over the registry's nodes: new ones get time to be heard of.
    pub fn set_nodes(&mut self, now: Instant, roll: Arc<Roll>) {
        let before = std::mem::replace(&mut self.roll, roll);
        self.swim.set_size(self.roll.len());
        self.purge(now);
        let me = self.me;
        let arrival = if self.is_mesh() { ARRIVAL } else { SLOW_ARRIVAL };
        let roll = Arc::clone(&self.roll);
        for node in roll.iter().filter(|node| *node != me && !before.contains(*node)) {
            let known = self.is_active(node);
            let trouble = Trouble {
                lost: (self.is_mesh() && !self.connected.contains(&node)).then_some(now),
                silent: (!known).then_some(now),
                patience: (!known).then_some(now),
                arrives: Some(now + arrival),
                told: Told::Nothing,
            };
            if !trouble.is_over() {
                self.troubles.insert(node, trouble);
                self.review_at = Some(now);
            }
        }
        if self.compare_at.is_none() && roll.len() > 1 {
            (self.compare_at, self.hurry_until) = (Some(now), Some(now + ARRIVAL));
        }
    }

    /// Takes nodes for alive that were so in a run that is known, as of its `epoch`: it need not
    /// be found out anew.
    pub fn recall(&mut self, now: Instant, nodes: impl Iterator<Item = (NodeId, u64)>) {
        let me = self.me;
        let others = nodes.filter(|(node, _)| *node != me);
        let alive = others.map(|(node, epoch)| foca::Member::alive(Who::new(node, epoch)));
        self.swim.apply(now, alive.collect(), false);
        self.absorb(now);
        self.hurry_until = None;
    }

    /// A connection to `node` was made.
    pub fn connected(&mut self, now: Instant, node: NodeId) {
        self.connected.insert(node);
        if !self.roll.contains(node) {
            return;
        }
        if self.is_mesh() {
            self.amend(now, node, |trouble| (trouble.lost, trouble.arrives) = (None, None));
        }
        if !self.is_active(node) {
            self.send_sum(node);
        }
    }

    /// The connection to `node` was lost.
    pub fn disconnected(&mut self, now: Instant, node: NodeId) {
        if self.connected.remove(&node) && self.roll.contains(node) && self.is_mesh() {
            let active = self.is_active(node);
            self.amend(now, node, |trouble| {
                trouble.lost = Some(now);
                if !active {
                    trouble.fall_silent(now);
                }
            });
        }
    }

    /// Takes bytes of the node that the connection is authenticated for.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if they are not understood, or speak in another node's name.
    pub fn handle(&mut self, now: Instant, from: NodeId, bytes: &[u8]) -> Result<(), Malformed> {
        let Some((&first, rest)) = bytes.split_first() else { return Err(Malformed) };
        if !self.roll.contains(from) || from == self.me {
            return Ok(());
        }
        match first {
            kind::SWIM if rest.starts_with(&short(from)) => self.swim.handle(now, rest)?,
            kind::SUM => self.sum_of(from, rest)?,
            kind::ROSTER => self.roster_of(now, from, rest)?,
            kind::ROSTER_PLEASE => {
                self.roster_of(now, from, rest)?;
                self.send_roster(from, kind::ROSTER);
            }
            _ => return Err(Malformed),
        }
        self.absorb(now);
        Ok(())
    }

    /// How `node` stands; absent if the registry does not have it.
    #[must_use]
    pub fn standing(&self, node: NodeId) -> Option<Standing> {
        let trouble = self.troubles.get(&node);
        self.roll.contains(node).then(|| trouble.map_or(Standing::Up, Trouble::standing))
    }

    /// Every other node's standing.
    pub fn standings(&self) -> impl Iterator<Item = (NodeId, Standing)> {
        let others = self.roll.iter().filter(|node| *node != self.me);
        others.filter_map(|node| Some((node, self.standing(node)?)))
    }

    /// Whether every other node is up, and nothing hints at anything else.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.troubles.is_empty()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.swim.handle_timeout(now);
        self.absorb(now);
        self.judge(now);
        self.compare(now);
        if self.review_at.is_some_and(|due| now >= due) {
            self.review_at = None;
            let nodes: Vec<NodeId> = self.troubles.keys().copied().collect();
            nodes.into_iter().for_each(|node| self.review(now, node));
        }
    }

    /// When [`Self::handle_timeout`] is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let accused = self.accused.values().map(|(_, until)| *until).min();
        let times = [self.swim.poll_timeout(), self.compare_at, self.review_at, accused];
        times.into_iter().flatten().min()
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next bytes to send; what finds no connection may be dropped.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.outgoing.pop_front()
    }

    /// Whether every two nodes are connected.
    fn is_mesh(&self) -> bool {
        self.roll.len() <= self.settings.mesh
    }

    fn is_active(&self, node: NodeId) -> bool {
        let node = short(node);
        let active = |member: &foca::Member<Who>| member.state() != foca::State::Down;
        self.swim.members().any(|member| member.id().node == node && active(member))
    }

    /// Carries out what SWIM wants.
    pub(crate) fn absorb(&mut self, now: Instant) {
        let Out { packets, news, .. } = self.swim.take();
        for (to, packet) in packets {
            let Some(to) = self.roll.node(to.node) else { continue };
            let bytes = [&[kind::SWIM], packet.as_slice()].concat();
            self.outgoing.push_back(Transmit { to, by: Carrier::Datagram, bytes });
        }
        for one in news {
            let (News::Up(who) | News::Down(who)) = one;
            let Some(node) = self.roll.node(who.node) else { continue };
            let up = matches!(one, News::Up(_));
            if up || self.swim_has_down(who) {
                self.amend(
                    now,
                    node,
                    |trouble| {
                        if up { trouble.speak() } else { trouble.fall_silent(now) }
                    },
                );
            }
        }
    }

    fn swim_has_down(&self, who: Who) -> bool {
        let down = |member: &foca::Member<Who>| member.state() == foca::State::Down;
        self.swim.members().any(|member| *member.id() == who && down(member))
    }

    /// Changes what is wrong with a node, and tells what follows.
    fn amend(&mut self, now: Instant, node: NodeId, change: impl FnOnce(&mut Trouble)) {
        change(self.troubles.entry(node).or_default());
        self.review(now, node);
    }

    fn review(&mut self, now: Instant, node: NodeId) {
        let connected = self.is_mesh() && self.connected.contains(&node);
        let hide_after = self.settings.hide_after;
        let Some(trouble) = self.troubles.get_mut(&node) else { return };
        // Whoever can be talked to is alive, whatever is said about it.
        let over = trouble.is_over() || connected;
        let told = if over { Told::Nothing } else { trouble.is_told(now, hide_after) };
        let before = std::mem::replace(&mut trouble.told, told);
        let due = if over { None } else { trouble.deadline(hide_after) };
        self.review_at = self.review_at.into_iter().chain(due).min();
        if trouble.is_over() {
            self.troubles.remove(&node);
        } else if connected {
            trouble.patience = None;
        }
        match told {
            _ if told == before => {}
            Told::Nothing => self.report(Event::Up(node)),
            Told::Down => self.report(Event::Down(node)),
            Told::Indirect => self.report(Event::Indirect(node)),
        }
    }

    /// Keeps one event a node, the newest: the queue cannot outgrow the cluster.
    fn report(&mut self, event: Event) {
        self.events.retain(|earlier| earlier.node() != event.node());
        self.events.push_back(event);
    }

    /// Forgets whoever is not on the roll.
    fn purge(&mut self, now: Instant) {
        let roll = Arc::clone(&self.roll);
        let gone = |member: &&foca::Member<Who>| roll.node(member.id().node).is_none();
        let gone: Vec<_> = self.swim.members().filter(gone).cloned().collect();
        gone.iter().for_each(|member| self.swim.forget(now, member));
        self.absorb(now);
        self.troubles.retain(|node, _| roll.contains(*node));
        self.accused.retain(|node, _| roll.node(*node).is_some());
        self.events.retain(|event| roll.contains(event.node()));
        self.outgoing.retain(|transmit| roll.contains(transmit.to));
    }

    /// A node of the roll, by lot.
    pub(crate) fn any_node(&mut self) -> Option<NodeId> {
        let nth = self.dice.random_range(0..self.roll.len().max(1));
        self.roll.nth(nth).filter(|node| *node != self.me)
    }
}
