//! Rules of others that drop what Weft needs: `nft -j list ruleset` read as the kernel reads it.
//!
//! One packet of each kind that must get through is walked through every chain that it meets.
//! What a rule of iptables asks in a module of its own is not told in JSON: such a rule may apply
//! or not. A drop behind one that may have accepted the packet is a warning, not an error.

mod packet;
mod remedy;
mod rule;
mod ruleset;

use serde_json::Value;

pub use packet::{Carries, Packet, Way};

use crate::{Check, Finding, Severity};
use ruleset::{Fate, Ruleset};

/// Tables of Weft's own, which do as they are meant to.
const OURS: [(&str, &str); 2] = [("inet", "weft"), ("ip", "weft_dns")];

/// What follows from a rule against what leaves.
pub(crate) const STAYS: &str = "what is sent from here does not leave";

/// Whether a finding is of a rule that lets nothing out.
pub(crate) fn shuts_in(finding: &Finding) -> bool {
    (finding.check, finding.severity) == (Check::Firewall, Severity::Error) && finding.why == STAYS
}

/// Judges whether `packet`, which is `purpose`, gets through the host's rules.
#[must_use]
pub fn judge(host: &str, ruleset: &Value, packet: &Packet, purpose: &str) -> Vec<Finding> {
    let ruleset = Ruleset::read(ruleset, &OURS);
    let mut findings: Vec<Finding> = ruleset
        .entrances(packet)
        .filter_map(|chain| blocked(host, &ruleset, chain, packet, purpose))
        .collect();
    findings.sort();
    findings.dedup();
    findings
}

fn blocked(
    host: &str,
    ruleset: &Ruleset<'_>,
    chain: ruleset::Chain<'_>,
    packet: &Packet,
    purpose: &str,
) -> Option<Finding> {
    let Fate::Dropped { by, for_sure } = ruleset.fate(chain, packet) else { return None };
    let (severity, verb) =
        if for_sure { (Severity::Error, "drops") } else { (Severity::Warning, "may drop") };
    let what = format!("{by} {verb} {purpose} ({})", packet.carries);
    let why = match packet.way {
        Way::In(_) => {
            "what other hosts send does not come in: their containers do not reach the ones here"
        }
        Way::Out(_) => STAYS,
        Way::Across { .. } => "what comes for a container does not get into its interface",
    };
    let remedy = remedy::of(chain, packet);
    Some(Finding::new(severity, Check::Firewall, host, [what, why.to_owned(), remedy]))
}

#[cfg(test)]
mod tests;
