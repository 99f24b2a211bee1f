//! Third hop: does the kernel wrap the frame for the host that was decided?

use std::net::IpAddr;

use weft_path::Envelope;

use super::Evidence;
use super::judged::Judged;
use crate::Outbound;

pub(super) fn judge(envelope: &Envelope, evidence: &Evidence<'_>, out: &Outbound) -> Judged {
    let station = evidence.receiver().map(|to| to.endpoint.mac.to_string()).unwrap_or_default();
    let homes: Vec<String> = out.homes.iter().map(ToString::to_string).collect();
    let table = out.parts.table();
    let held = match homes.as_slice() {
        [] => format!("{table} has no forwarding entry for {station}"),
        homes => format!("{table} sends {station} to {}", homes.join(" and ")),
    };
    if let Some(fault) = out.parts.wrapping() {
        return Judged::differs(held, fault, &out.standing);
    }
    let right = envelope.destination.0;
    if out.homes.iter().eq([&right]) {
        return Judged::ok(format!("{held}, VXLAN {}, port {}", envelope.vni, envelope.port));
    }
    let cause = match out.homes.iter().find(|home| **home != right) {
        None => format!("the forwarding entry for {station} is gone"),
        Some(wrong) => {
            let whose = evidence.whose(*wrong);
            format!("the forwarding entry for {station} leads to {wrong}{whose} instead of {right}")
        }
    };
    Judged::differs(held, cause, &out.standing)
}

impl Evidence<'_> {
    /// Which member an address is of, in brackets.
    pub(super) fn whose(&self, address: IpAddr) -> String {
        let node = self.facts.nodes.values().find(|node| node.vtep.0 == address);
        node.map_or_else(|| " (no member)".to_owned(), |node| format!(" ({})", node.name))
    }
}
