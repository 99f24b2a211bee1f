//! Sixth hop: does the frame get into the workload's interface, and is it taken there?

use weft_model::Hop;
use weft_path::Packet;
use weft_plan::Flaw;

use super::judged::Judged;
use super::{Evidence, obstacle};
use crate::parts::is_shut;
use crate::{Inbound, Interface, Listening};

pub(super) fn judge(evidence: &Evidence<'_>, seen: &Inbound) -> Judged {
    let receiver = evidence.receiver_name();
    let inside = seen.interface.as_ref();
    let held = match inside {
        Some(Interface { name, up, mtu, .. }) => {
            let up = if *up { "up" } else { "down" };
            format!("{}; {name} of {receiver} is {up}, MTU {mtu}", seen.parts.port.told("port"))
        }
        None => format!("{}; no interface in {receiver}", seen.parts.port.told("port")),
    };
    if let Err(reason) = seen.delivered {
        let cause =
            format!("the receiving host has no endpoint for it, as far as it knows ({reason})");
        return Judged::failed(held, cause, reason.hint());
    }
    if let Some(cause) = fault(seen) {
        return Judged::differs(held, cause, &seen.standing);
    }
    if let Some((cause, remedy)) = obstacle(&seen.obstacles, Hop::Deliver) {
        return Judged::failed(held, cause, remedy);
    }
    match workload(&receiver, evidence.journey.packet.as_ref(), inside) {
        Some((cause, remedy)) => Judged::failed(held, cause, remedy),
        None => listening(held, &receiver, seen.listening),
    }
}

fn fault(seen: &Inbound) -> Option<String> {
    let parts = &seen.parts;
    if !parts.namespace {
        return Some("the network's namespace is gone from the receiver's host".to_owned());
    }
    let vxlan = |flaw: &Flaw| matches!(flaw, Flaw::Detached | Flaw::Unlocked);
    let shut = parts.bridge.fault("the bridge br0", is_shut);
    shut.or_else(|| {
        parts.vxlan.fault("the VXLAN device vx0", vxlan).filter(|_| seen.peer.is_some())
    })
    .or_else(|| {
        let port = |flaw: &Flaw| is_shut(flaw) || matches!(flaw, Flaw::Stations);
        parts.port.fault("the receiver's bridge port", port)
    })
}

/// What is wrong inside the receiver: that is the receiver's to mend.
fn workload(
    receiver: &str,
    packet: Option<&Packet>,
    inside: Option<&Interface>,
) -> Option<(String, String)> {
    let Some(interface) = inside else {
        let cause = format!("the interface of {receiver} itself is gone");
        let remedy =
            "restart the container, or attach the workload again: weft detach, weft attach";
        return Some((cause, remedy.to_owned()));
    };
    let Interface { name, up, addresses, .. } = interface;
    if !*up {
        let cause = format!("the interface {name} of {receiver} itself is down");
        return Some((cause, format!("`ip link set {name} up` in {receiver}")));
    }
    let destination = packet?.destination;
    (!addresses.contains(&destination)).then(|| {
        let cause = format!("{receiver} has not got the address {destination} on {name} any more");
        (cause, format!("`ip address add {destination} dev {name}` in {receiver}, or restart it"))
    })
}

fn listening(held: String, receiver: &str, listening: Option<Listening>) -> Judged {
    match listening {
        None => Judged::ok(held),
        Some(Listening::Yes) => Judged::ok(format!("{held}; a program listens at the port")),
        Some(Listening::Elsewhere(address)) => Judged::failed(
            held,
            format!("the program in {receiver} listens at {address} only"),
            "let it listen at all addresses: 0.0.0.0",
        ),
        Some(Listening::No) => Judged::failed(
            held,
            format!("nobody in {receiver} listens at the port: the packet arrives and is refused"),
            "start the program, or look at which port it listens: ss -ltnu in the workload",
        ),
    }
}
