//! Decided against held, hop by hop.

mod decap;
mod deliver;
mod encap;
mod judged;
mod lookup;
mod neighbor;
mod underlay;

use weft_model::{Hop, NodeId};
use weft_path::{Decided, Facts, Journey, Located, Step};

use crate::{Crossing, HopTraced, Inbound, Obstacle, Outbound, Silence, Trace, Verdict};
use judged::Judged;

/// Everything that a trace is judged from.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What the sender's host knows, or the one that asks if the sender's is silent.
    pub facts: &'a Facts,
    /// What follows from it.
    pub journey: &'a Journey,
    /// Read on the sender's host.
    pub outbound: Result<&'a Outbound, &'a Silence>,
    /// Sent between the hosts, if the packet leaves its host and the sender's could be asked.
    pub crossing: Option<&'a Crossing>,
    /// Read on the receiver's host; absent if the walk did not get that far.
    pub inbound: Option<Result<&'a Inbound, &'a Silence>>,
}

/// Judges all six hops.
#[must_use]
pub fn trace(evidence: &Evidence<'_>) -> Trace {
    let hops: Vec<HopTraced> = Hop::ALL.into_iter().map(|hop| evidence.hop(hop)).collect();
    let failed = hops.iter().find(|hop| hop.verdict == Verdict::Failed).map(|hop| hop.hop);
    let unknown = hops.iter().any(|hop| hop.verdict == Verdict::Unknown);
    let verdict = match (failed, unknown) {
        (Some(_), _) => Verdict::Failed,
        (None, true) => Verdict::Unknown,
        (None, false) => Verdict::Ok,
    };
    Trace {
        verdict,
        failed,
        from: evidence.sender_name(),
        to: evidence.journey.to.clone(),
        network: evidence.network_name(),
        hops,
        live: None,
    }
}

impl<'a> Evidence<'a> {
    fn hop(&self, hop: Hop) -> HopTraced {
        let dropped = self.journey.dropped.as_ref().filter(|dropped| dropped.hop == hop);
        let step = self.step(hop);
        let judged = match (step.map(|step| &step.decided), dropped) {
            (Some(Decided::StaysOnHost), _) => Judged::left_out(),
            (Some(decided), _) => self.judge(hop, decided),
            (None, Some(dropped)) => self.dropped(hop).because(&dropped.told, &dropped.hint),
            (None, None) => Judged::not_reached(),
        };
        let told = step.map(|step| step.told.clone());
        let told = told.or_else(|| dropped.map(|dropped| dropped.told.clone()));
        HopTraced {
            hop,
            verdict: judged.verdict,
            host: self.host(hop).map(|node| self.node_name(node)),
            decided: told.unwrap_or_else(|| "the packet does not come so far".to_owned()),
            since: None,
            kernel: judged.kernel,
            cause: judged.cause,
            remedy: judged.remedy,
        }
    }

    fn judge(&self, hop: Hop, decided: &Decided) -> Judged {
        let silent = |silence: &Silence| {
            let host = self.host(hop).map_or_else(|| "the host".to_owned(), |n| self.node_name(n));
            Judged::silent(&host, silence)
        };
        match decided {
            Decided::Address(found) => {
                self.outbound.map_or_else(silent, |out| lookup::judge(found, out))
            }
            Decided::Mac(near) => {
                self.outbound.map_or_else(silent, |out| neighbor::judge(near, out))
            }
            Decided::Envelope(envelope) => {
                self.outbound.map_or_else(silent, |out| encap::judge(envelope, self, out))
            }
            Decided::Crossing(crossing) => {
                self.outbound.map_or_else(silent, |out| underlay::judge(crossing, self, out))
            }
            Decided::Accepted(_) => self.arrived(silent, |seen| decap::judge(self, seen)),
            Decided::Delivered(_) => self.arrived(silent, |seen| deliver::judge(self, seen)),
            Decided::StaysOnHost => Judged::left_out(),
        }
    }

    /// What is held at a hop at which the packet is decided to end.
    fn dropped(&self, hop: Hop) -> Judged {
        match (hop, self.outbound) {
            (Hop::Lookup, Ok(out)) => lookup::held(out),
            (Hop::Underlay, Ok(out)) => underlay::held(self, out),
            _ => Judged::failed("nothing was decided that it could hold", "", ""),
        }
    }

    fn arrived(
        &self,
        silent: impl Fn(&Silence) -> Judged,
        judge: impl Fn(&Inbound) -> Judged,
    ) -> Judged {
        match self.inbound {
            Some(Ok(seen)) => judge(seen),
            Some(Err(silence)) => silent(silence),
            None => Judged::not_reached(),
        }
    }

    fn step(&self, hop: Hop) -> Option<&'a Step> {
        self.journey.steps.iter().find(|step| step.hop == hop)
    }

    fn from(&self) -> Option<&'a Located> {
        self.facts.endpoints.get(&self.journey.from)
    }

    /// The host that a hop happens on.
    fn host(&self, hop: Hop) -> Option<NodeId> {
        match hop {
            Hop::Lookup | Hop::Neighbor | Hop::Encap | Hop::Underlay => {
                self.from().map(|from| from.owner)
            }
            Hop::Decap | Hop::Deliver => self.receiver().map(|to| to.owner),
        }
    }

    /// Where the packet goes, as far as it is known.
    pub(crate) fn receiver(&self) -> Option<&'a Located> {
        let near = self.journey.steps.iter().find_map(|step| match step.decided {
            Decided::Mac(near) => Some(near),
            _ => None,
        })?;
        self.facts.with_mac(self.journey.network?, near.mac)
    }

    pub(crate) fn node_name(&self, id: NodeId) -> String {
        self.facts.nodes.get(&id).map_or_else(|| id.short(), |node| node.name.to_string())
    }

    pub(crate) fn receiver_name(&self) -> String {
        self.receiver().map_or_else(|| self.journey.to.clone(), name)
    }

    fn sender_name(&self) -> String {
        self.from().map_or_else(|| self.journey.from.short(), name)
    }

    fn network_name(&self) -> Option<String> {
        let id = self.journey.network?;
        let known = self.facts.networks.get(&id).and_then(|network| network.name.as_ref());
        Some(known.map_or_else(|| id.short(), ToString::to_string))
    }
}

fn name(row: &Located) -> String {
    let endpoint = &row.endpoint;
    endpoint.name.as_ref().map_or_else(|| endpoint.id.short(), ToString::to_string)
}

/// The first rule of others that is in the way at a hop.
fn obstacle(obstacles: &[Obstacle], hop: Hop) -> Option<(String, String)> {
    let found = obstacles.iter().find(|obstacle| obstacle.hop == hop)?;
    Some((found.what.clone(), found.remedy.clone()))
}

#[cfg(test)]
mod tests;
