//! The questions.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weft_events::Moment;
use weft_model::EndpointId;

use crate::events::Wanted;

use crate::examine::Examination;
use crate::fabric::ACQUAINTED;
use crate::trace::{Arriving, Probes, Question, Watching};

/// What is asked of a node. JSON on the wire, told apart by `ask`; a node of an older version says
/// that it does not know a newer question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Inquiry {
    /// What the kernel holds against what it should: a [`Difference`](super::Difference).
    Difference,
    /// What has happened: a [`Happened`](super::Happened).
    Events(Wanted),
    /// What it believed: a [`Believed`](super::Believed).
    Belief {
        /// When.
        at: Moment,
    },
    /// The endpoint of it that is meant, if there is one.
    Whose {
        /// A `{ref}`.
        reference: String,
    },
    /// Nothing, once its kernel knows the way to an endpoint.
    Has {
        /// Which.
        endpoint: EndpointId,
    },
    /// The frames of an endpoint of it, from now on: the number to take them by.
    Capture {
        /// Whose.
        endpoint: EndpointId,
        /// So much is kept of each.
        bytes: u32,
    },
    /// The frames that have come since: a [`Batch`](crate::captures::Batch).
    Frames {
        /// The number.
        id: u64,
    },
    /// What flows on it, measured for so long: a [`TopView`](weft_api::TopView).
    Top {
        /// In milliseconds.
        millis: u32,
    },
    /// The destinations of the host's routes, the default route not counted.
    Routes,
    /// Which node has an endpoint, if this one knows: a [`NodeId`](weft_model::NodeId).
    Knows {
        /// What somebody calls the endpoint.
        reference: String,
    },
    /// A trace of a packet that is sent here: a [`Trace`](weft_trace::Trace).
    Trace(Question),
    /// What the last two hops hold here: an [`Inbound`](weft_trace::Inbound).
    Arrival(Arriving),
    /// Where pings pass here, and when: a `Sighted`.
    Watch(Watching),
    /// Which probes come here: their sizes.
    Hear(Probes),
    /// What time it is there: microseconds since 1970.
    Clock,
    /// What the host finds of itself and of the ways from and to it: an
    /// `Examined`.
    Examine(Examination),
}

impl Inquiry {
    /// How long the answer may take. A person waits for the slowest one.
    pub(super) const fn patience(&self) -> Duration {
        match self {
            Self::Trace(_) => Duration::from_secs(2),
            Self::Examine(_) => Duration::from_millis(900),
            Self::Has { .. } => ACQUAINTED,
            _ => Duration::from_millis(700),
        }
    }
}
