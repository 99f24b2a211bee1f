//! What is done every second: comparing with somebody, and what has waited long enough.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use weft_model::{NetworkId, NodeId};

use crate::outbox::{Detail, Say};
use crate::{Presence, Whereabouts};

/// How often each network is compared with a participant.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// A node that left for good answers for so long before it forgets.
const FAREWELL: Duration = Duration::from_secs(2);
/// Once in so many seconds the directory is asked again: islands find each other.
const ASK_AGAIN: u32 = 30;

impl Whereabouts {
    pub(crate) fn start_ticking(&mut self, now: Instant) {
        if self.tick_at.is_none() {
            // Not all nodes at once.
            let part = self.dice.random_range(1..=1000);
            self.tick_at = Some(now + INTERVAL * part / 1000);
        }
    }

    pub(crate) fn tick(&mut self, now: Instant) {
        self.tick_at = Some(now + INTERVAL);
        let networks: Vec<NetworkId> = self.tables.keys().copied().collect();
        for &network in &networks {
            self.move_out(now, network);
            self.compare(network);
            let answered = self.tables.get(&network).is_none_or(|table| table.answered);
            if !answered || self.dice.random_ratio(1, ASK_AGAIN) {
                self.ask_directory(network);
            }
        }
        let which = self.dice.random_range(0..networks.len().max(1));
        self.refresh(networks.get(which).copied());
    }

    /// Nobody has to be told often; everybody has to be told again.
    fn refresh(&mut self, network: Option<NetworkId>) {
        let mut tellers = self.directory.general_tellers(self.me);
        if let Some(network) = network {
            tellers.extend(self.directory.tellers(network, self.me, &self.hidden));
        }
        if let Some(teller) = self.one_of(&tellers) {
            self.say(teller, Say::Participation, Detail::Plain);
        }
    }

    fn ask_directory(&mut self, network: NetworkId) {
        if self.directory.is_small() {
            return;
        }
        let tellers = self.directory.tellers(network, self.me, &self.hidden);
        let tellers: Vec<NodeId> = tellers.into_iter().collect();
        if let Some(teller) = self.one_of(&tellers) {
            self.say(teller, Say::Participation, Detail::Plain);
            self.say(teller, Say::DirectoryRequest(network), Detail::Plain);
        }
    }

    /// One that is thought to be up, and now and then one that is not.
    fn compare(&mut self, network: NetworkId) {
        let (me, hidden) = (self.me, &self.hidden);
        let Some(table) = self.tables.get_mut(&network) else { return };
        let mut partners = table.draw((me, hidden), 1, &mut self.dice);
        if !hidden.is_empty() && (partners.is_empty() || self.dice.random_ratio(1, 4)) {
            let down: Vec<NodeId> =
                table.participants(me).filter(|node| hidden.contains(node)).collect();
            let which = self.dice.random_range(0..down.len().max(1));
            partners.extend(down.get(which));
        }
        for partner in partners {
            self.say(partner, Say::Digest(network), Detail::Plain);
        }
    }

    /// Who has listened for long without an endpoint leaves, and forgets a little later.
    fn move_out(&mut self, now: Instant, network: NetworkId) {
        let Some(table) = self.tables.get_mut(&network) else { return };
        if table.until.is_none_or(|until| now < until) {
            return;
        }
        if table.stream(self.me).is_some_and(|own| own.presence() == Presence::Left) {
            self.tables.remove(&network);
            return;
        }
        table.until = Some(now + FAREWELL);
        self.set_presence(network, Presence::Left);
    }

    fn one_of(&mut self, nodes: &[NodeId]) -> Option<NodeId> {
        let which = self.dice.random_range(0..nodes.len().max(1));
        nodes.get(which).copied()
    }
}
