//! Fourth hop: does what is sent to the other host's VXLAN port come there, and whole?

use weft_model::Hop;
use weft_path::Crossing as Decided;

use super::judged::Judged;
use super::{Evidence, obstacle};
use crate::{Outbound, Route};

pub(super) fn judge(decided: &Decided, evidence: &Evidence<'_>, out: &Outbound) -> Judged {
    let (host, peer) = (evidence.sender_host(), evidence.receiver_host());
    let route = match out.route.as_ref() {
        Some(Ok(route)) => route,
        Some(Err(why)) => return no_way(&peer, why),
        None => return Judged::left_out(),
    };
    let Some(crossing) = evidence.crossing else { return Judged::ok(told(route)) };
    let held = match crossing.heard.last() {
        Some(largest) => format!("{}; {largest} bytes arrive at {peer}", told(route)),
        None => format!("{}; nothing arrives at {peer}", told(route)),
    };
    let blocked = obstacle(&out.obstacles, Hop::Underlay);
    if let Some((cause, remedy)) = blocked.clone().filter(|_| !out.parts.is_swift()) {
        return Judged::failed(held, cause, remedy);
    }
    if route.source != decided.source.0 {
        let cause = format!(
            "{host} sends from {}, but the others know it as {}",
            route.source, decided.source
        );
        return Judged::failed(
            held,
            cause,
            "see the routes and addresses of that host: ip route get",
        );
    }
    if let (Some((rule, _)), None) = (&blocked, crossing.heard.last()) {
        let held = told(route);
        return Judged::ok(format!("{held}; what programs send passes no rule, probes do: {rule}"));
    }
    let Some(largest) = crossing.heard.last().copied() else {
        return nothing_arrives(held, evidence);
    };
    if largest < crossing.needed {
        let cause = format!(
            "packets larger than {largest} bytes do not arrive at {peer}, the network's are up to \
             {}: small ones pass, large ones vanish",
            crossing.needed
        );
        return Judged::failed(held, cause, too_small(route, crossing.needed));
    }
    Judged::ok(held)
}

/// What is held if the other host is known to be away.
pub(super) fn held(evidence: &Evidence<'_>, out: &Outbound) -> Judged {
    match out.route.as_ref() {
        Some(Err(why)) => no_way(&evidence.receiver_host(), why),
        Some(Ok(route)) => nothing_arrives(told(route), evidence),
        None => Judged::failed("not read", "", ""),
    }
}

fn told(route: &Route) -> String {
    let Route { device, source, mtu } = route;
    format!("by {device} from {source}, MTU {mtu}")
}

fn no_way(peer: &str, why: &str) -> Judged {
    Judged::failed(
        format!("no route to {peer}: {why}"),
        format!("the host has no way to {peer}"),
        "look at its interfaces and routes: ip address, ip route",
    )
}

fn nothing_arrives(held: String, evidence: &Evidence<'_>) -> Judged {
    let (host, peer) = (evidence.sender_host(), evidence.receiver_host());
    let port = evidence.facts.vxlan_port;
    let crossing = evidence.crossing;
    let silent = evidence.inbound.is_none_or(|inbound| inbound.is_err());
    match (silent, crossing.and_then(|crossing| crossing.pings)) {
        (true, Some(true)) => Judged::unknown(
            held,
            format!("{peer} answers pings, but its agent does not answer"),
            format!("start the agent on {peer}: systemctl start weft; packets may pass without it"),
        ),
        (true, _) => Judged::failed(
            held,
            format!("nothing that {host} sends arrives at {peer}: it is down or cut off"),
            format!("see `weft node ls`, and the link, switch or route between {host} and {peer}"),
        ),
        (false, _) => Judged::failed(
            held,
            format!(
                "nothing that {host} sends to UDP port {port} arrives at {peer}, though the hosts \
                 reach each other: something between them swallows VXLAN"
            ),
            format!("let UDP {port} through between the hosts; `weft doctor` says more"),
        ),
    }
}

fn too_small(route: &Route, needed: u16) -> String {
    let Route { device, mtu, .. } = route;
    match *mtu < needed {
        true => format!("raise the MTU of {device} to {needed}: ip link set {device} mtu {needed}"),
        false => {
            format!("find where the way narrows (tracepath), and raise the MTU there to {needed}")
        }
    }
}

impl Evidence<'_> {
    fn sender_host(&self) -> String {
        self.host(Hop::Underlay).map_or_else(|| "the host".to_owned(), |id| self.node_name(id))
    }

    fn receiver_host(&self) -> String {
        self.host(Hop::Decap).map_or_else(|| "the other host".to_owned(), |id| self.node_name(id))
    }
}
