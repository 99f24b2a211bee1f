//! Fifth hop: does the other host let the datagram in?

use weft_model::{Hop, Vtep};
use weft_path::{Decided, Reason};

use super::judged::Judged;
use super::{Evidence, obstacle};
use crate::{Inbound, Parts, Woven};

pub(super) fn judge(evidence: &Evidence<'_>, seen: &Inbound) -> Judged {
    let Some((source, vni)) = evidence.envelope() else { return Judged::left_out() };
    let held = told(source, seen);
    if let Some(Err(reason)) = &seen.accepted {
        return otherwise(held, *reason, evidence);
    }
    if let Some((cause, remedy)) = obstacle(&seen.obstacles, Hop::Decap) {
        return Judged::failed(held, cause, remedy);
    }
    match fault(evidence, seen, source) {
        Some(cause) => Judged::differs(held, cause, &seen.standing),
        None => Judged::ok(format!("{held}; {} VXLAN {vni}", takes(&seen.parts))),
    }
}

fn told(source: Vtep, seen: &Inbound) -> String {
    let owner = seen.owner.map_or_else(
        || "no owner of the sender's station".to_owned(),
        |owner| format!("{owner} owns the sender's station"),
    );
    match seen.peer {
        Some(true) => format!("the guard knows {source} as a member, {owner}"),
        Some(false) => format!("the guard does not know {source}, {owner}"),
        None => "no guard".to_owned(),
    }
}

const fn takes(parts: &Parts) -> &'static str {
    match parts {
        Parts::Bridged(_) => "vx0 takes",
        Parts::Woven(Woven { swift: true, .. }) => "programs take",
        Parts::Woven(_) => "weft-vxlan takes",
    }
}

fn fault(evidence: &Evidence<'_>, seen: &Inbound, source: Vtep) -> Option<String> {
    let sender = evidence.sender_name();
    if seen.peer == Some(false) {
        return Some(format!("the guard's table of members lacks {source}"));
    }
    if seen.listed == Some(false) {
        return Some(format!("the packet filter's set of members (inet weft) lacks {source}"));
    }
    if let Some(fault) = seen.parts.unwrapping() {
        return Some(fault);
    }
    match (seen.peer, seen.owner) {
        (None, _) => None,
        (_, Some(owner)) if owner == source => None,
        (_, Some(owner)) => {
            Some(format!("the guard takes {owner} for the home of {sender}, not {source}"))
        }
        (_, None) => Some(format!("the guard knows no home of {sender}: its frames are dropped")),
    }
}

/// The receiving host decides otherwise than the sender's: it knows less, or other things.
fn otherwise(held: String, reason: Reason, evidence: &Evidence<'_>) -> Judged {
    let (host, sender) = (evidence.host(Hop::Decap), evidence.sender_name());
    let host = host.map_or_else(|| "the other host".to_owned(), |id| evidence.node_name(id));
    let cause = match reason {
        Reason::UnknownPeer => format!("{host} does not know the sender's host as a member"),
        Reason::UnknownVni => format!("{host} has nothing on the network, as far as it knows"),
        _ => format!("{host} does not know {sender} to be where it is ({reason})"),
    };
    Judged::failed(held, cause, reason.hint())
}

impl Evidence<'_> {
    /// The outer sender and the network on the wire.
    fn envelope(&self) -> Option<(Vtep, weft_model::Vni)> {
        self.journey.steps.iter().find_map(|step| match step.decided {
            Decided::Envelope(envelope) => Some((envelope.source, envelope.vni)),
            _ => None,
        })
    }
}
