//! Second hop: would the workload's question for the MAC address be answered so?

use weft_model::Hop;
use weft_path::{Answerer, Neighbor};
use weft_plan::NeighborSeen;

use super::judged::Judged;
use super::obstacle;
use crate::{Interface, Outbound};

pub(super) fn judge(near: &Neighbor, out: &Outbound) -> Judged {
    let Some(interface) = &out.interface else {
        return Judged::failed(
            "no such interface in the workload",
            "the workload's own end of its port is gone",
            "restart the container, or attach the workload again: weft detach, weft attach",
        );
    };
    let held = told(near, out, interface);
    if near.answered_by == Answerer::Nobody {
        return Judged::ok(held);
    }
    if let Some((cause, remedy)) = inside(near, interface) {
        return Judged::failed(held, cause, remedy);
    }
    if let Some((cause, remedy)) = obstacle(&out.obstacles, Hop::Neighbor) {
        return Judged::failed(held, cause, remedy);
    }
    match outside(near, out) {
        Some(cause) => Judged::differs(held, cause, &out.standing),
        None => Judged::ok(held),
    }
}

fn told(near: &Neighbor, out: &Outbound, interface: &Interface) -> String {
    let own = format!("the workload's {} is {}", interface.name, up(interface.up));
    if near.answered_by == Answerer::Nobody {
        return own;
    }
    let (port, _) = out.parts.port();
    if !out.parts.answers(near.answered_by) {
        return format!("{own}; {}", port.told("port"));
    }
    let (table, address) = (out.parts.table(), near.address);
    match out.neighbor {
        Some(NeighborSeen::Permanent(mac)) => {
            format!("{own}; {table} answers for {address}: {mac}")
        }
        Some(NeighborSeen::Aging) => {
            format!("{own}; {table} has an entry for {address} that ages")
        }
        None => format!("{own}; {table} has no entry for {address}"),
    }
}

const fn up(up: bool) -> &'static str {
    if up { "up" } else { "down" }
}

/// What is wrong inside the workload: that is the workload's to mend.
fn inside(near: &Neighbor, interface: &Interface) -> Option<(String, String)> {
    let Interface { name, up, leads_by, fixed, .. } = interface;
    if !*up {
        let cause = format!("the workload's own interface {name} is down");
        return Some((cause, format!("`ip link set {name} up` in the workload")));
    }
    if leads_by.as_ref() != Some(name) {
        let by = leads_by.as_ref().map_or_else(|| "nowhere".to_owned(), |by| format!("by {by}"));
        let cause =
            format!("the workload's own route to {} leads {by}, not by {name}", near.address);
        return Some((cause, "`ip route` in the workload: take the other route out".to_owned()));
    }
    let fixed = fixed.filter(|mac| *mac != near.mac)?;
    let cause = format!("somebody has fixed {} to {fixed} inside the workload", near.address);
    Some((cause, format!("`ip neigh del {} dev {name}` in the workload", near.address)))
}

/// What is wrong between the workload and the host's own answer.
fn outside(near: &Neighbor, out: &Outbound) -> Option<String> {
    let answers = out.parts.answers(near.answered_by);
    let shut = out.parts.leaving(near.answered_by);
    shut.or_else(|| entry(near, out.neighbor).filter(|_| answers))
}

fn entry(near: &Neighbor, seen: Option<NeighborSeen>) -> Option<String> {
    let address = near.address;
    match seen {
        Some(NeighborSeen::Permanent(mac)) if mac == near.mac => None,
        Some(NeighborSeen::Permanent(mac)) => {
            Some(format!("the neighbour entry for {address} says {mac} instead of {}", near.mac))
        }
        Some(NeighborSeen::Aging) => {
            Some(format!("the neighbour entry for {address} is not one of Weft's: it ages"))
        }
        None => Some(format!("the neighbour entry for {address} is gone")),
    }
}
