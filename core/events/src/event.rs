//! One line of a node's history.

use serde::{Deserialize, Serialize};

use crate::{Change, Moment};

/// Something that changed, at one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts the node's events; none is missing between two that are kept.
    pub seq: u64,
    /// When the node took it in. A clock that was set back does not bring events out of order.
    pub at: Moment,
    /// Who did it, as far as the node knows.
    pub who: String,
    /// Why.
    pub why: String,
    /// What happened, in a sentence with the names of that time.
    pub told: String,
    /// What happened.
    #[serde(flatten)]
    pub change: Change,
}
