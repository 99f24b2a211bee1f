//! What a trace tells.

use std::fmt;

use serde::{Deserialize, Serialize};
use weft_model::Hop;

use crate::Live;

/// One packet's way, hop by hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Whether it arrives, as far as can be told.
    pub verdict: Verdict,
    /// The first hop that fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Hop>,
    /// Who sends, by name.
    pub from: String,
    /// Whom it is for, as it was asked.
    pub to: String,
    /// The network it happens on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// All six, in travel order.
    pub hops: Vec<HopTraced>,
    /// A packet that was sent and watched, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Live>,
}

impl Trace {
    /// The same, with a packet that was sent: where that is lost, no kernel's word counts.
    #[must_use]
    pub fn with_live(mut self, live: Live) -> Self {
        if self.failed.is_none()
            && let Some(hop) = live.lost_at()
        {
            (self.verdict, self.failed) = (Verdict::Failed, Some(hop));
            for traced in self.hops.iter_mut().filter(|traced| traced.hop == hop) {
                traced.verdict = Verdict::Failed;
                traced.cause = live.lost.clone().map(|lost| format!("a ping was sent: {lost}"));
                traced.remedy = Some(
                    "nothing that was read explains it: look at this place with `weft drops`, and \
                     for rules of iptables-legacy and traffic control (`tc`) there"
                        .to_owned(),
                );
            }
        }
        Self { live: Some(live), ..self }
    }
}

/// One hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopTraced {
    /// Which one.
    pub hop: Hop,
    /// What is to be said of it.
    pub verdict: Verdict,
    /// The host whose kernel was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What was decided, and from what.
    pub decided: String,
    /// Since when that is known where it was decided, in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// What the kernel holds.
    pub kernel: String,
    /// Why it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What to do.
    #[serde(default, rename = "try", skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// What is to be said of a hop, or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The kernel does what was decided, and what was decided lets the packet through.
    Ok,
    /// The packet ends here.
    Failed,
    /// It could not be found out.
    Unknown,
    /// The hop is left out: both ends are on one host.
    LeftOut,
    /// The packet is decided to end before.
    NotReached,
}

impl Verdict {
    /// The word that stands for it in JSON and in tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::LeftOut => "left_out",
            Self::NotReached => "not_reached",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
