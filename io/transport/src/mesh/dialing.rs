//! Whom this node dials, and when.

use std::collections::btree_map::Entry;
use std::time::{Duration, Instant};

use weft_model::NodeId;

use super::{KNOCK_AFTER, Mesh};
use crate::dial::{self, Caller};
use crate::quic::close;

/// A connection that is not kept ends when nothing was sent over it for so long.
const UNUSED: Duration = Duration::from_secs(60);

impl Mesh {
    /// Brings dialers and connections in line with who is wanted.
    pub(super) fn keep_dialing(&mut self) {
        let wanted = self.wanted.borrow_and_update().clone();
        let me = self.me;
        self.dialers.retain(|node, (address, task)| {
            let kept = wanted.keeps_all() && wanted.members.get(node) == Some(address);
            if !kept {
                task.abort();
            }
            kept
        });
        for (node, peer) in &self.connected {
            if !wanted.members.contains_key(node) {
                peer.connection.close(close::NO_MEMBER, b"no member of the cluster any more");
            }
        }
        if !wanted.keeps_all() {
            return;
        }
        for (node, address) in wanted.members.into_iter().filter(|(node, _address)| me < *node) {
            if let Entry::Vacant(vacant) = self.dialers.entry(node) {
                let caller = Caller {
                    endpoint: self.endpoint.clone(),
                    own: self.own.clone(),
                    instance: self.instance,
                };
                let dialing = dial::keep(caller, (node, address), self.inner.clone());
                vacant.insert((address, self.tasks.spawn(dialing)));
            }
        }
    }

    /// Dials a peer that should have dialled long ago.
    pub(super) fn knock(&mut self, node: NodeId) {
        let waits = self.wanted.borrow().keeps_all() && !self.is_due(node);
        if waits || self.dialers.contains_key(&node) || self.pending.contains_key(&node) {
            return;
        }
        self.dial_now(node);
    }

    fn dial_now(&mut self, node: NodeId) {
        self.next_knock.insert(node, Instant::now() + KNOCK_AFTER);
        self.dial_once(node);
    }

    /// Dials a member; what is said meanwhile waits.
    pub(super) fn dial_once(&mut self, node: NodeId) {
        let Some(address) = self.wanted.borrow().members.get(&node).copied() else { return };
        self.pending.entry(node).or_default();
        let (endpoint, own) = (self.endpoint.clone(), self.own.clone());
        let caller = Caller { endpoint, own, instance: self.instance };
        self.tasks.spawn(dial::knock(caller, (node, address), self.inner.clone()));
    }

    /// Whoever dials this node does so in vain, and does not know the new address yet. Where this
    /// node has dialled, the connection moves along by itself (RFC 9000 §9).
    pub(super) fn reconnect(&mut self) {
        let wanted = self.wanted.borrow().clone();
        let kept = wanted.kept.unwrap_or_else(|| wanted.members.into_keys().collect());
        for node in kept {
            if !self.dialers.contains_key(&node) && !self.pending.contains_key(&node) {
                self.dial_now(node);
            }
        }
    }

    /// Where not everybody is kept: dials those that are, and ends what nobody uses.
    pub(super) fn go_round(&mut self) {
        let kept = match &self.wanted.borrow().kept {
            None => return,
            Some(kept) => kept.clone(),
        };
        let lacking = |node: &&NodeId| {
            !self.connected.contains_key(*node) && !self.pending.contains_key(*node)
        };
        // The one with the greater id is the second to dial: two would end each other's.
        let mine = |node: &&NodeId| self.me < **node || self.is_due(**node);
        let dialed: Vec<NodeId> = kept.iter().filter(lacking).filter(mine).copied().collect();
        for node in dialed {
            self.dial_now(node);
        }
        for (node, peer) in &self.connected {
            if !kept.contains(node) && peer.used.elapsed() > UNUSED {
                peer.connection.close(close::BYE, b"not needed any more");
            }
        }
    }

    fn is_due(&self, node: NodeId) -> bool {
        let due = self.next_knock.get(&node).copied().unwrap_or(self.started + KNOCK_AFTER);
        Instant::now() >= due
    }
}
