//! Who looks on: latencies, bytes, the trace, and what must never happen.

use std::collections::{BTreeMap, BTreeSet};

use weft_model::{Endpoint, EndpointId, NetworkId, NodeId};
use weft_registry::Block;
use weft_whereabouts::{Event, Rejected, StreamId, Whereabouts};

use crate::invariants::{KeptWord, NoResurrection, OneLease, OwnNetworks, RightOwner, Violation};
use crate::ledger::Ledger;
use crate::time::SimTime;

/// FNV-1a, 64 bit.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// What was seen of a run.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) bytes: u64,
    pub(crate) messages: u64,
    /// Nanoseconds from a workload's start until one other participant knew of it.
    pub(crate) latencies: Vec<u64>,
    /// Nanoseconds from a host's death until one other host said so.
    pub(crate) detections: Vec<u64>,
    /// How often a host was said to be down that was not.
    pub(crate) alarms: u64,
    /// Things that went wrong.
    pub(crate) faults: u64,
    pub(crate) violation: Option<Violation>,
    /// Whether the invariants are looked at; it costs time that grows with the rows.
    pub(crate) strict: bool,
    pub(crate) timing: bool,
    hash: u64,
    timed: BTreeMap<EndpointId, SimTime>,
    known: BTreeSet<(usize, EndpointId)>,
    died: Option<(NodeId, SimTime)>,
    noticed: BTreeSet<usize>,
    no_resurrection: NoResurrection,
    right_owner: RightOwner,
    one_lease: OneLease,
    kept_word: KeptWord,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            bytes: 0,
            messages: 0,
            latencies: Vec::new(),
            detections: Vec::new(),
            alarms: 0,
            faults: 0,
            violation: None,
            strict: true,
            timing: false,
            hash: OFFSET,
            timed: BTreeMap::new(),
            known: BTreeSet::new(),
            died: None,
            noticed: BTreeSet::new(),
            no_resurrection: NoResurrection::default(),
            right_owner: RightOwner::default(),
            one_lease: OneLease::default(),
            kept_word: KeptWord::default(),
        }
    }
}

impl Watch {
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.messages += 1;
    }

    /// One number for the whole run: equal only if every message came at the same moment.
    pub(crate) fn trace(&mut self, now: SimTime, (from, to): (usize, usize), bytes: usize) {
        for word in [now.0, from as u64, to as u64, bytes as u64] {
            for byte in word.to_le_bytes() {
                self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(PRIME);
            }
        }
    }

    pub(crate) const fn trace_hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn started(&mut self, now: SimTime, id: EndpointId, owner: NodeId) {
        if self.timing {
            self.timed.insert(id, now);
        }
        self.right_owner.started(id, owner);
    }

    pub(crate) fn ended(&mut self, ids: impl IntoIterator<Item = EndpointId>) {
        for id in ids {
            self.timed.remove(&id);
            self.no_resurrection.ended(id);
            self.one_lease.ended(id);
        }
    }

    /// A workload got its addresses.
    pub(crate) fn leased(&mut self, network: NetworkId, endpoint: &Endpoint) {
        let violation = self.one_lease.leased(network, endpoint);
        violation.into_iter().for_each(|violation| self.blame(violation));
    }

    /// A host was told that it has a block.
    pub(crate) fn acknowledged(&mut self, ledger: &Ledger, block: Block) {
        self.kept_word.acknowledged(block);
        self.look_back(Some(ledger));
    }

    /// A host was removed from the registry.
    pub(crate) fn removed(&mut self, ledger: &Ledger, host: NodeId) {
        self.kept_word.removed(host);
        self.look_back(Some(ledger));
    }

    /// Is all that was acknowledged still so?
    pub(crate) fn look_back(&mut self, ledger: Option<&Ledger>) {
        let violation = ledger.and_then(|ledger| self.kept_word.look(ledger.truth()));
        violation.into_iter().for_each(|violation| self.blame(violation));
    }

    /// Those of the rows whose way is timed and that the host did not know.
    pub(crate) fn timed_of(
        &self,
        at: usize,
        rows: Vec<(StreamId, EndpointId)>,
    ) -> Vec<(StreamId, EndpointId)> {
        let new = |(_, id): &(StreamId, EndpointId)| {
            self.timed.contains_key(id) && !self.known.contains(&(at, *id))
        };
        rows.into_iter().filter(new).collect()
    }

    /// A host knows a row.
    pub(crate) fn learnt(&mut self, now: SimTime, at: usize, id: EndpointId) {
        let Some(started) = self.timed.get(&id) else { return };
        if self.known.insert((at, id)) {
            self.latencies.push(nanoseconds(now.since(*started)));
        }
    }

    /// A host says of another that it is down or up.
    pub(crate) fn told(&mut self, now: SimTime, at: usize, event: weft_membership::Event) {
        if matches!(event, weft_membership::Event::Up(_)) {
            return;
        }
        match self.died {
            Some((node, died)) if node == event.node() => {
                if self.noticed.insert(at) {
                    self.detections.push(nanoseconds(now.since(died)));
                }
            }
            _ => self.alarms += 1,
        }
    }

    /// A host dies, and the others are to find out.
    pub(crate) fn dies(&mut self, now: SimTime, node: NodeId) {
        self.died = Some((node, now));
        self.noticed.clear();
    }

    /// Forgets what was measured so far.
    pub(crate) fn measure_anew(&mut self) {
        self.timing = true;
        self.timed.clear();
        self.known.clear();
        self.latencies.clear();
        self.alarms = 0;
        (self.bytes, self.messages) = (0, 0);
    }

    /// A late message of an earlier epoch or member is refused; anything else is a fault.
    pub(crate) fn rejected(&mut self, rejected: &Rejected) {
        match rejected {
            Rejected::Stranger { .. } | Rejected::OldEpoch { .. } => {}
            Rejected::Myself { .. }
            | Rejected::NotMyWord { .. }
            | Rejected::NotTheirWord { .. }
            | Rejected::NotYours { .. } => {
                self.blame(Violation::new("an honest node was refused", rejected.to_string()));
            }
        }
    }

    /// No host sends what is not understood.
    pub(crate) fn malformed(&mut self, malformed: &weft_membership::Malformed) {
        self.blame(Violation::new("an honest node was not understood", malformed.to_string()));
    }

    /// A host's rows changed.
    pub(crate) fn look(&mut self, at: usize, whereabouts: &Whereabouts, event: Event) {
        let Event::Changed(network) = event else { return };
        if !self.strict {
            return;
        }
        let found = [
            OwnNetworks::look(whereabouts, network),
            self.right_owner.look(whereabouts, network),
            self.no_resurrection.look(at, whereabouts, network),
        ];
        found.into_iter().flatten().for_each(|violation| self.blame(violation));
    }

    /// A host lost its memory.
    pub(crate) fn forget(&mut self, at: usize) {
        self.no_resurrection.forget(at);
    }

    /// A host dropped a network's rows by itself.
    pub(crate) fn left(&mut self, at: usize, network: NetworkId) {
        self.no_resurrection.left(at, network);
    }

    /// The first one counts.
    pub(crate) fn blame(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }
}

fn nanoseconds(span: std::time::Duration) -> u64 {
    span.as_nanos().try_into().unwrap_or(u64::MAX)
}
