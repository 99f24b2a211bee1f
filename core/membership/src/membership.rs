//! The machine: nodes of the registry on one side, connections on the other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use weft_model::NodeId;

use crate::Standing;
use crate::standing::Input;

/// What the rest of the agent is to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The node's rows are to be hidden.
    Down(NodeId),
    /// The node's rows are to be shown.
    Up(NodeId),
}

/// Every other node's standing.
#[derive(Clone, Debug)]
pub struct Membership {
    hide_after: Duration,
    standings: BTreeMap<NodeId, Standing>,
    connected: BTreeSet<NodeId>,
    events: VecDeque<Event>,
}

impl Membership {
    /// Nobody is known; a node is down `hide_after` its connection was lost.
    #[must_use]
    pub const fn new(hide_after: Duration) -> Self {
        Self {
            hide_after,
            standings: BTreeMap::new(),
            connected: BTreeSet::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes over the registry's nodes, this one left out: new ones get the grace time to connect.
    pub fn set_nodes(&mut self, now: Instant, nodes: impl Iterator<Item = NodeId>) {
        let nodes: BTreeSet<NodeId> = nodes.collect();
        self.standings.retain(|node, _| nodes.contains(node));
        let standings = &self.standings;
        self.events.retain(|event| standings.contains_key(&event.node()));
        for node in nodes {
            let connected = self.connected.contains(&node);
            let first = if connected { Standing::Up } else { Standing::Unreachable { since: now } };
            self.standings.entry(node).or_insert(first);
        }
    }

    /// A connection to `node` was made.
    pub fn connected(&mut self, node: NodeId) {
        self.connected.insert(node);
        let Some(standing) = self.standings.get_mut(&node) else { return };
        let was_down = matches!(standing, Standing::Down { .. });
        *standing = standing.next(Input::Connected, self.hide_after);
        if was_down {
            self.report(Event::Up(node));
        }
    }

    /// The connection to `node` was lost.
    pub fn disconnected(&mut self, now: Instant, node: NodeId) {
        self.connected.remove(&node);
        if let Some(standing) = self.standings.get_mut(&node) {
            *standing = standing.next(Input::Disconnected(now), self.hide_after);
        }
    }

    /// How `node` stands; absent if the registry does not have it.
    #[must_use]
    pub fn standing(&self, node: NodeId) -> Option<Standing> {
        self.standings.get(&node).copied()
    }

    /// Every known node's standing.
    pub fn standings(&self) -> impl Iterator<Item = (NodeId, Standing)> {
        self.standings.iter().map(|(&node, &standing)| (node, standing))
    }

    /// Declares nodes down whose grace time is over.
    pub fn handle_timeout(&mut self, now: Instant) {
        let mut down = Vec::new();
        for (&node, standing) in &mut self.standings {
            let before = *standing;
            *standing = before.next(Input::Timeout(now), self.hide_after);
            if *standing != before {
                down.push(Event::Down(node));
            }
        }
        down.into_iter().for_each(|event| self.report(event));
    }

    /// When [`Self::handle_timeout`] is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.standings.values().filter_map(|standing| standing.deadline(self.hide_after)).min()
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Keeps one event a node, the newest: the queue cannot outgrow the cluster.
    fn report(&mut self, event: Event) {
        self.events.retain(|earlier| earlier.node() != event.node());
        self.events.push_back(event);
    }
}

impl Event {
    /// Whom it is about.
    #[must_use]
    pub const fn node(self) -> NodeId {
        match self {
            Self::Down(node) | Self::Up(node) => node,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(2);
    const A: NodeId = NodeId::from_random(1);
    const B: NodeId = NodeId::from_random(2);

    #[test]
    fn a_lost_node_is_down_after_the_grace_time_and_up_with_its_connection() {
        let (mut members, start) = members([A, B]);
        members.connected(A);
        members.connected(B);
        members.disconnected(start, A);
        assert_eq!(members.poll_timeout(), Some(start + GRACE));
        members.handle_timeout(start + GRACE / 2);
        assert_eq!(members.poll_event(), None);
        members.handle_timeout(start + GRACE);
        assert_eq!(members.poll_event(), Some(Event::Down(A)));
        assert_eq!(members.standing(A), Some(Standing::Down { since: start }));
        assert_eq!(members.poll_timeout(), None);
        members.connected(A);
        assert_eq!(members.poll_event(), Some(Event::Up(A)));
        assert_eq!(members.poll_event(), None);
    }

    #[test]
    fn a_short_interruption_is_not_told() {
        let (mut members, start) = members([A]);
        members.connected(A);
        members.disconnected(start, A);
        members.connected(A);
        members.handle_timeout(start + GRACE * 2);
        assert_eq!(members.poll_event(), None);
    }

    #[test]
    fn a_node_that_never_connects_is_down_after_the_grace_time() {
        let (mut members, start) = members([A]);
        members.handle_timeout(start + GRACE);
        assert_eq!(members.poll_event(), Some(Event::Down(A)));
    }

    #[test]
    fn a_connection_that_precedes_the_registry_counts() {
        let (mut members, start) = members([]);
        members.connected(A);
        assert_eq!(members.standing(A), None);
        members.set_nodes(start, [A].into_iter());
        assert_eq!(members.standing(A), Some(Standing::Up));
    }

    #[test]
    fn a_removed_node_is_not_spoken_of_again() {
        let (mut members, start) = members([A]);
        members.handle_timeout(start + GRACE);
        members.set_nodes(start, std::iter::empty());
        assert_eq!((members.poll_event(), members.standing(A)), (None, None));
        assert_eq!(members.poll_timeout(), None);
    }

    #[test]
    fn the_registry_speaking_again_does_not_move_the_clock() {
        let (mut members, start) = members([A]);
        members.set_nodes(start + GRACE, [A].into_iter());
        assert_eq!(members.standing(A), Some(Standing::Unreachable { since: start }));
    }

    #[test]
    fn flapping_keeps_one_event_a_node() {
        let (mut members, start) = members([A]);
        for _ in 0..100 {
            members.disconnected(start, A);
            members.handle_timeout(start + GRACE);
            members.connected(A);
        }
        assert_eq!(members.poll_event(), Some(Event::Up(A)));
        assert_eq!(members.poll_event(), None);
    }

    fn members<const N: usize>(nodes: [NodeId; N]) -> (Membership, Instant) {
        let start = crate::test_clock();
        let mut members = Membership::new(GRACE);
        members.set_nodes(start, nodes.into_iter());
        (members, start)
    }
}
