//! Sixth hop: does the frame get into the workload's interface, and is it taken there?

use weft_model::Hop;
use weft_path::Packet;

use super::judged::Judged;
use super::{Evidence, obstacle};
use crate::{Housed, Inbound, Interface, Listening, Parts};

pub(super) fn judge(evidence: &Evidence<'_>, seen: &Inbound) -> Judged {
    let receiver = evidence.receiver_name();
    let inside = seen.interface.as_ref();
    let port = seen.parts.port().0.told("port");
    let held = match inside {
        Some(Interface { name, up, mtu, .. }) => {
            let up = if *up { "up" } else { "down" };
            format!("{port}; {name} of {receiver} is {up}, MTU {mtu}")
        }
        None => format!("{port}; no interface in {receiver}"),
    };
    if let Err(reason) = seen.delivered {
        let cause =
            format!("the receiving host has no endpoint for it, as far as it knows ({reason})");
        return Judged::failed(held, cause, reason.hint());
    }
    if let Some(cause) = fault(evidence, seen) {
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

fn fault(evidence: &Evidence<'_>, seen: &Inbound) -> Option<String> {
    let Parts::Woven(_) = seen.parts else { return seen.parts.delivering(seen.peer.is_some()) };
    // A port that is gone has taken its entry along.
    let shut = seen.parts.delivering(true);
    shut.or_else(|| astray(evidence, seen.home.as_ref()))
}

/// What the programs' table says of the receiver's station, if that is not where it is.
fn astray(evidence: &Evidence<'_>, home: Option<&Housed>) -> Option<String> {
    let station = evidence.receiver().map(|to| to.endpoint.mac.to_string()).unwrap_or_default();
    let leads = |to: String| {
        format!("the entry for {station} leads to {to} instead of to the receiver's port")
    };
    match home {
        Some(Housed::Rightly) => None,
        Some(Housed::Behind(other)) => Some(leads(other.clone())),
        Some(Housed::At(host)) => Some(leads(format!("{host}{}", evidence.whose(*host)))),
        None => Some(format!("the entry for {station}, the receiver's station, is gone")),
    }
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
