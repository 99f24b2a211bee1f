//! How one manager sees the managers.

use std::collections::BTreeSet;
use std::time::Duration;

use openraft::{RaftMetrics, ServerState};
use weft_model::NodeId;

use super::types::{Seat, SeatId};

/// A leader that heard from no majority for this long does not count as one.
const SILENCE: Duration = Duration::from_millis(1_500);

/// The managers, as one of them sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The node whose manager puts changes in order; absent: there is none at this moment.
    pub leader: Option<NodeId>,
    /// The nodes whose managers decide by majority.
    pub voters: BTreeSet<NodeId>,
    /// Whether this manager is one of them.
    pub votes: bool,
    /// Whether, as far as this manager knows, a majority answers.
    pub majority: bool,
    /// Counts elections; what rises on and on shows managers that do not keep a leader.
    pub term: u64,
    /// The last entry of the common log that this manager's state has.
    pub applied: u64,
}

impl Standing {
    pub(super) fn of(me: SeatId, metrics: &RaftMetrics<SeatId, Seat>) -> Self {
        let membership = metrics.membership_config.membership();
        let node = |seat: SeatId| membership.get_node(&seat).and_then(|seat| seat.node);
        let leader = metrics.current_leader.filter(|_seat| metrics.running_state.is_ok());
        Self {
            leader: leader.and_then(node),
            voters: membership.voter_ids().filter_map(node).collect(),
            votes: membership.voter_ids().any(|seat| seat == me),
            majority: leader.is_some() && !is_cut_off(metrics),
            term: metrics.current_term,
            applied: metrics.last_applied.map_or(0, |log| log.index),
        }
    }
}

fn is_cut_off(metrics: &RaftMetrics<SeatId, Seat>) -> bool {
    let voters = metrics.membership_config.membership().voter_ids().count();
    let silent = metrics.millis_since_quorum_ack.map(Duration::from_millis);
    metrics.state == ServerState::Leader
        && voters > 1
        && silent.is_none_or(|silent| silent > SILENCE)
}
