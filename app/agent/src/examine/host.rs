//! One host: itself, and the ways from and to it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weft_doctor::Finding;
use weft_model::NodeId;

use super::itself;
use super::ways::{Sent, listen_and_send};
use crate::inspect::Desk;

/// What a host is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Examination {
    /// Tells its probes from those of others.
    pub(crate) nonce: [u8; 16],
    /// The largest packet that the cluster's networks send; 0 without networks.
    pub(crate) needed: u16,
}

/// What a host says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Examined {
    /// About itself.
    pub(crate) findings: Vec<Finding>,
    /// What it has sent, by receiver.
    pub(crate) sent: BTreeMap<NodeId, Sent>,
    /// Which sizes it has heard, by sender.
    pub(crate) heard: BTreeMap<NodeId, BTreeSet<u16>>,
    /// Its clock, in microseconds since 1970.
    pub(crate) clock_us: u64,
}

/// Examines this host.
pub(crate) async fn examined(desk: &Desk, asked: Examination) -> Examined {
    let (findings, (sent, heard)) =
        tokio::join!(itself::findings(desk), listen_and_send(desk, asked));
    Examined { findings, sent, heard, clock_us: crate::clock::now_us() }
}
