//! When rosters are compared, with whom, and what is believed of what another says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use foca::{Member, State};
use rand::RngExt as _;
use weft_model::NodeId;

use crate::codec::Malformed;
use crate::membership::Membership;
use crate::roster::{self, kind};
use crate::transmit::{Carrier, Transmit};
use crate::who::{Short, Who};

/// How often rosters are compared while all is well.
const CALM: Duration = Duration::from_secs(30);
/// The same while a node is down.
const TROUBLED: Duration = Duration::from_secs(2);
/// The same just after the start.
const HURRY: Duration = Duration::from_millis(250);
/// Whom others take for dead has so long to show that it is not.
const HEARING: Duration = Duration::from_secs(3);
/// So many are heard at a time.
const ACCUSED: usize = 16;
/// More news than these are not gossiped: others get them the same way.
const GOSSIPED: usize = 64;

impl Membership {
    /// Compares this node's roster with another's, if it is time.
    pub(crate) fn compare(&mut self, now: Instant) {
        if self.compare_at.is_none_or(|due| now < due) {
            return;
        }
        let troubled: Vec<NodeId> = self.troubles.keys().copied().collect();
        let hurried = self.hurry_until.is_some_and(|until| now < until) && !troubled.is_empty();
        let pause = match troubled.is_empty() {
            _ if hurried => HURRY,
            true => CALM,
            false => TROUBLED,
        };
        // Not all nodes at once.
        let part = self.dice.random_range(750..=1000);
        self.compare_at = Some(now + pause * part / 1000);
        // Whoever is down hears so, should it be alive; but the dead have no news.
        let which = self.dice.random_range(0..troubled.len().max(1));
        let seldom = self.dice.random_ratio(1, 4);
        let partner = troubled.get(which).copied().filter(|_| !seldom);
        if let Some(partner) = partner.or_else(|| self.any_node()) {
            self.send_sum(partner);
        }
    }

    pub(crate) fn send_sum(&mut self, to: NodeId) {
        let members: Vec<_> = self.swim.members().cloned().collect();
        let bytes = roster::encode_sum(roster::sum(self.swim.me(), &members));
        self.outgoing.push_back(Transmit { to, by: Carrier::Stream, bytes });
    }

    pub(crate) fn send_roster(&mut self, to: NodeId, kind: u8) {
        let me = Member::alive(self.swim.me());
        let members = self.swim.members().cloned().chain([me]);
        let bytes = roster::encode(kind, members);
        self.outgoing.push_back(Transmit { to, by: Carrier::Stream, bytes });
    }

    pub(crate) fn sum_of(&mut self, from: NodeId, bytes: &[u8]) -> Result<(), Malformed> {
        let theirs = roster::decode_sum(bytes)?;
        let members: Vec<_> = self.swim.members().cloned().collect();
        if roster::sum(self.swim.me(), &members) != theirs {
            self.send_roster(from, kind::ROSTER_PLEASE);
        }
        Ok(())
    }

    /// Takes what is new in another's roster.
    ///
    /// Down is for good, so the other's word is not enough to declare a member down that is up
    /// here: after a split each half takes the other for dead. The accused is told; if it is
    /// alive it goes on in its next life.
    pub(crate) fn roster_of(
        &mut self,
        now: Instant,
        from: NodeId,
        bytes: &[u8],
    ) -> Result<(), Malformed> {
        let theirs = roster::decode(bytes)?;
        let known: BTreeMap<Short, Member<Who>> =
            self.swim.members().map(|member| (member.id().node, member.clone())).collect();
        let me = self.swim.me();
        let (mut news, mut accused) = (Vec::new(), Vec::new());
        for member in theirs.into_iter().filter(|m| self.roll.node(m.id().node).is_some()) {
            match judge(me, known.get(&member.id().node), &member) {
                Verdict::News => news.push(member),
                Verdict::Accused => accused.push(*member.id()),
                Verdict::Known => {}
            }
        }
        let tell = news.len() <= GOSSIPED;
        self.swim.apply(now, news, tell);
        accused.into_iter().for_each(|who| self.accuse(now, from, who));
        Ok(())
    }

    /// Tells a member that it is taken for dead.
    fn accuse(&mut self, now: Instant, by: NodeId, who: Who) {
        let Some(to) = self.roll.node(who.node).filter(|to| *to != by) else { return };
        if self.accused.len() >= ACCUSED || self.accused.contains_key(&who.node) {
            return;
        }
        self.accused.insert(who.node, (who, now + HEARING));
        let charge = Member::new(who, 0, State::Down);
        let bytes = roster::encode(kind::ROSTER, [charge].into_iter());
        self.outgoing.push_back(Transmit { to, by: Carrier::Stream, bytes });
    }

    /// Declares those down that did not show up in another life.
    pub(crate) fn judge(&mut self, now: Instant) {
        let due = self.accused.values().filter(|(_, until)| now >= *until);
        let due: Vec<Who> = due.map(|(who, _)| *who).collect();
        if due.is_empty() {
            return;
        }
        self.accused.retain(|_, (_, until)| now < *until);
        let down = due.into_iter().map(|who| Member::new(who, 0, State::Down));
        self.swim.apply(now, down.collect(), true);
        self.absorb(now);
    }
}

enum Verdict {
    News,
    Accused,
    Known,
}

fn judge(me: Who, known: Option<&Member<Who>>, theirs: &Member<Who>) -> Verdict {
    let down = theirs.state() == State::Down;
    if theirs.id().node == me.node {
        // Only what is said of this very life matters, or of one that is still to come.
        let concerns = theirs.id().life >= me.life && theirs.state() != State::Alive;
        return if concerns { Verdict::News } else { Verdict::Known };
    }
    let Some(known) = known else {
        // Of the dead that were never met it is enough that they are no members.
        return Verdict::News;
    };
    let life = theirs.id().life.cmp(&known.id().life);
    let alive_here = known.state() != State::Down;
    match life {
        std::cmp::Ordering::Less => Verdict::Known,
        std::cmp::Ordering::Equal if down && alive_here => Verdict::Accused,
        std::cmp::Ordering::Equal if alive_here && theirs.incarnation() > known.incarnation() => {
            Verdict::News
        }
        std::cmp::Ordering::Equal => Verdict::Known,
        std::cmp::Ordering::Greater => Verdict::News,
    }
}
