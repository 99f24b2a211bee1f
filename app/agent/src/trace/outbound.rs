//! What the sender's host holds: lookup, neighbor, encap, and its own way to the other host.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;
use weft_doctor::firewall::{Carries, Packet as Judged, Way};
use weft_kernel::{Closeup, Focus, Netns, dns, host};
use weft_model::Hop;
use weft_names::Kind;
use weft_path::{Decided, Journey, Located};
use weft_plan::IfName;
use weft_trace::{Asked, Outbound, Redirect, Route, Silence};

use super::question::PacketKind;
use super::rules::{Place, obstacles};
use super::workload::{interface, parts, standing};
use crate::inspect::Desk;
use crate::local::{Attachment, Workload};

/// How long a workload's resolver may take.
const PATIENCE: Duration = Duration::from_millis(300);
/// Where every workload asks.
const RESOLVER: (&str, u16) = ("127.0.0.11", 53);

/// Reads it, as far as the walk came.
pub(super) async fn read(
    desk: &Desk,
    (journey, kind): (&Journey, PacketKind),
    receiver: Option<&Located>,
) -> Result<Outbound, Silence> {
    let picture = desk.fabric.state.picture();
    let sender = picture.attachments.get(&journey.from).ok_or_else(|| gone("the sender"))?;
    let network = picture.view.network(sender.network).ok_or_else(|| gone("its network"))?;
    let port = IfName::port(journey.from);
    let to = receiver.map(|row| row.endpoint.mac);
    let from = sender.endpoint.mac;
    let address = found(journey);
    let focus = Focus { vni: network.vni, to: to.unwrap_or(from), from, address };
    let peer = receiver.filter(|row| row.owner != picture.me.id);
    let peer = peer.and_then(|row| picture.facts.vtep(row.owner)).map(|vtep| vtep.0);

    let inside = inside(sender, journey, kind);
    let (closeup, inside, route) = tokio::join!(desk.kernel.closeup(focus), inside, route(peer));
    let closeup = closeup.map_err(|error| unread(&error, error.hint()))?;
    let places = leaving(&closeup, (journey, kind), (&port, &route));
    let rules = obstacles(places).await;
    // Over IPv6 the kernel's own device sends, also where programs carry.
    let swift = peer.is_none_or(|peer| peer.is_ipv4());
    Ok(Outbound {
        lookup: inside.lookup,
        interface: inside.interface,
        parts: parts(desk, network.vni, &port, (&closeup, swift)),
        neighbor: closeup.neighbor,
        homes: closeup.homes,
        route,
        obstacles: inside.obstacles.into_iter().chain(rules.obstacles).collect(),
        standing: standing(desk),
    })
}

/// The way to the other host, if it is another one.
async fn route(peer: Option<IpAddr>) -> Option<Result<Route, String>> {
    let path = host::path_to(peer?).await.map_err(|error| error.to_string());
    Some(path.map(|path| Route {
        device: path.device.to_string(),
        source: path.source,
        mtu: path.mtu.bytes(),
    }))
}

/// Where rules may stop the packet after it has left the workload.
fn leaving(
    closeup: &Closeup,
    (journey, kind): (&Journey, PacketKind),
    (port, route): (&IfName, &Option<Result<Route, String>>),
) -> Vec<Place> {
    let mut places = Vec::new();
    let Some(packet) = journey.packet else { return places };
    if let Some(netns) = &closeup.netns {
        let across = Way::Across { from: port.to_string(), to: IfName::vxlan().to_string() };
        let (source, destination) = (packet.source, packet.destination);
        let judged = Judged { way: across, source, destination, carries: kind.into() };
        places.push(Place { hop: Hop::Encap, netns: Some(netns.clone()), packet: judged });
    }
    if let (Some(Ok(route)), Some(envelope)) = (route, packet.envelope) {
        let judged = Judged {
            way: Way::Out(route.device.clone()),
            source: route.source,
            destination: envelope.destination.0,
            carries: Carries::Udp(Some(envelope.port)),
        };
        places.push(Place { hop: Hop::Underlay, netns: None, packet: judged });
    }
    places
}

/// What is read inside the sender.
#[derive(Debug, Default)]
struct Inside {
    lookup: Option<Asked>,
    interface: Option<weft_trace::Interface>,
    obstacles: Vec<weft_trace::Obstacle>,
}

async fn inside(sender: &Attachment, journey: &Journey, kind: PacketKind) -> Inside {
    let netns = sender.workload.netns().and_then(|path| Netns::open(path).ok());
    let Some((netns, &address)) = netns.zip(sender.endpoint.addresses.first()) else {
        return Inside::default();
    };
    let own = (sender.endpoint.mac, address);
    let plain = matches!(sender.workload, Workload::Plain { .. });
    let name = journey.to.parse::<IpAddr>().is_err().then(|| journey.to.clone());
    let asked = name.clone().map(|name| (name, kinds(journey)));
    let towards = found(journey);
    let space = netns.clone();
    let looked = spawn_blocking(move || {
        let lookup = asked.map(|(name, kinds)| ask(&space, &name, &kinds, plain));
        (lookup, towards.and_then(|to| interface(&space, own, to)))
    });
    let (lookup, interface) = looked.await.unwrap_or_default();
    let own = interface.as_ref().map(|interface| interface.name.clone());
    let places = own_rules(&netns, own, (journey, kind), name.is_some());
    Inside { lookup, interface, obstacles: obstacles(places).await.obstacles }
}

/// The workload's own rules: for its question, and for its packet.
fn own_rules(
    netns: &Netns,
    interface: Option<String>,
    (journey, kind): (&Journey, PacketKind),
    asks: bool,
) -> Vec<Place> {
    let loopback = IpAddr::from([127, 0, 0, 1]);
    let resolver = IpAddr::from([127, 0, 0, 11]);
    let lo = IfName::loopback().to_string();
    let question = |way| Place {
        hop: Hop::Lookup,
        netns: Some(netns.clone()),
        packet: Judged {
            way,
            source: loopback,
            destination: resolver,
            carries: Carries::Udp(Some(RESOLVER.1)),
        },
    };
    let mut places = Vec::new();
    if asks {
        places.push(question(Way::Out(lo.clone())));
        places.push(question(Way::In(lo)));
    }
    let packet = journey.packet.zip(interface).map(|(packet, interface)| Judged {
        way: Way::Out(interface),
        source: packet.source,
        destination: packet.destination,
        carries: kind.into(),
    });
    places.extend(packet.map(|packet| Place {
        hop: Hop::Neighbor,
        netns: Some(netns.clone()),
        packet,
    }));
    places
}

/// Asks inside the workload, as it would itself; blocks.
fn ask(netns: &Netns, name: &str, kinds: &BTreeSet<Kind>, plain: bool) -> Asked {
    let began = Instant::now();
    let asked = netns.run(|| {
        let socket = std::net::UdpSocket::bind(("0.0.0.0", 0))?;
        socket.connect(RESOLVER)?;
        let mut addresses = BTreeSet::new();
        for kind in kinds {
            addresses.extend(weft_resolver::ask(&socket, name, *kind, PATIENCE)?);
        }
        Ok::<_, std::io::Error>(addresses)
    });
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let redirect = if plain { Redirect::Direct } else { redirect(netns) };
    match asked.and_then(std::convert::identity) {
        Ok(addresses) => Asked::Answered { addresses, micros, redirect },
        Err(error) => Asked::Silent { why: error.to_string(), redirect },
    }
}

fn redirect(netns: &Netns) -> Redirect {
    match dns::redirection(netns) {
        Ok(dns::Redirection::Stands) => Redirect::Stands,
        Ok(dns::Redirection::Expired) => Redirect::Expired,
        Ok(dns::Redirection::Missing) | Err(_) => Redirect::Missing,
    }
}

/// Of which families addresses are decided; of a name that is unknown IPv4 is asked for.
fn kinds(journey: &Journey) -> BTreeSet<Kind> {
    let found = journey.steps.iter().find_map(|step| match &step.decided {
        Decided::Address(found) => Some(&found.found),
        _ => None,
    });
    let kind = |address: &IpAddr| if address.is_ipv4() { Kind::A } else { Kind::Aaaa };
    let kinds: BTreeSet<Kind> = found.into_iter().flatten().map(kind).collect();
    if kinds.is_empty() { BTreeSet::from([Kind::A]) } else { kinds }
}

/// The address that the packet is for.
fn found(journey: &Journey) -> Option<IpAddr> {
    journey.steps.iter().find_map(|step| match &step.decided {
        Decided::Address(found) => Some(found.address),
        _ => None,
    })
}

fn gone(what: &str) -> Silence {
    let why = format!("{what} is not on it any more");
    Silence { why, hint: "see `weft endpoint ls`".to_owned() }
}

fn unread(error: &dyn std::error::Error, hint: impl Into<String>) -> Silence {
    Silence { why: crate::problem::chain(error).join(": "), hint: hint.into() }
}
