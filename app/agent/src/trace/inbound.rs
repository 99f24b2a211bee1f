//! What the receiver's host holds: decap and deliver.

use std::net::IpAddr;

use tokio::task::spawn_blocking;
use weft_api::ProblemKind;
use weft_doctor::firewall::{Carries, Packet, Way};
use weft_kernel::{Closeup, Focus, HomeSeen, Netns, host};
use weft_model::{Hop, Vtep};
use weft_path::{Arrival, decap, deliver};
use weft_plan::IfName;
use weft_trace::{Housed, Inbound, Interface, Listening};

use super::question::{Arriving, stations};
use super::rules::{Place, is_listed, obstacles};
use super::workload::{interface, listening, parts, standing};
use crate::inspect::Desk;
use crate::problem::{Answer, because};

/// Reads it, and decides both hops from what this host itself knows.
pub(crate) async fn read(desk: &Desk, arriving: &Arriving) -> Answer<Inbound> {
    let picture = desk.fabric.state.picture();
    let (from, to) = stations(&arriving.packet);
    let port = IfName::port(arriving.endpoint);
    let attached = picture.attachments.get(&arriving.endpoint);
    let netns = attached.and_then(|attached| Netns::open(attached.workload.netns()?).ok());

    let focus = Focus { vni: arriving.vni, to, from, address: None };
    let inside = inside(netns.clone(), arriving.clone());
    let device = device(arriving.outer_source);
    let (closeup, inside, device) = tokio::join!(desk.kernel.closeup(focus), inside, device);
    let closeup = closeup.map_err(|error| {
        let what = "the kernel's state could not be read";
        because(ProblemKind::Internal, what, &error, error.hint())
    })?;
    let (interface, listening) = inside;
    let own = netns.zip(interface.as_ref().map(|interface| interface.name.clone()));
    let port_of_vxlan = (picture.me.vtep, picture.facts.vxlan_port);
    let swift = is_swift(&closeup, arriving, device.as_deref());
    // What programs take in passes no rule of the host's.
    let outer = outer(arriving, device, port_of_vxlan).filter(|_| !swift);
    let mut places: Vec<Place> = outer.into_iter().collect();
    places.extend(inner(closeup.netns.clone(), own, arriving));
    let rules = obstacles(places).await;
    let facts = &picture.facts;
    Ok(Inbound {
        accepted: arriving.outer_source.map(|outer_source| {
            let arrival = Arrival { outer_source, vni: arriving.vni, inner_source: from };
            decap(facts, picture.me.id, &arrival)
        }),
        delivered: deliver(facts, picture.me.id, arriving.network, to),
        peer: arriving
            .outer_source
            .and_then(|source| Some(closeup.gate.as_ref()?.guard.peers.contains(&source))),
        owner: closeup.owner.map(Vtep),
        listed: arriving
            .outer_source
            .filter(|_| !swift)
            .and_then(|source| is_listed(rules.host.as_ref()?, source)),
        parts: parts(desk, arriving.vni, &port, (&closeup, swift)),
        home: closeup.home.map(|home| housed(home, &port)),
        interface,
        listening,
        obstacles: rules.obstacles,
        standing: standing(desk),
    })
}

/// Whether programs take the packet in by themselves: where it comes in, the program for that
/// stands. Without one the kernel's own device takes it.
fn is_swift(closeup: &Closeup, arriving: &Arriving, device: Option<&str>) -> bool {
    let stays = arriving.outer_source.is_none();
    let at = |name: &&IfName| device == Some(name.as_str());
    closeup.woven.is_some() && (stays || closeup.arrivals.iter().any(|name| at(&name)))
}

fn housed(home: HomeSeen, port: &IfName) -> Housed {
    match home {
        HomeSeen::Behind(Some(name)) if name == *port => Housed::Rightly,
        HomeSeen::Behind(Some(name)) => Housed::Behind(name.to_string()),
        HomeSeen::Behind(None) => Housed::Behind("an interface that is gone".to_owned()),
        HomeSeen::At(host) => Housed::At(host),
    }
}

async fn inside(
    netns: Option<Netns>,
    arriving: Arriving,
) -> (Option<Interface>, Option<Listening>) {
    let Some(netns) = netns else { return (None, None) };
    let read = spawn_blocking(move || {
        let packet = &arriving.packet;
        let interface =
            interface(&netns, (packet.destination_mac, packet.destination), packet.source);
        (interface, listening(&netns, arriving.kind, packet.destination))
    });
    read.await.unwrap_or_default()
}

/// The interface by which the sending host's packets come in.
async fn device(outer_source: Option<IpAddr>) -> Option<String> {
    host::path_to(outer_source?).await.ok().map(|path| path.device.to_string())
}

/// Where rules may stop the datagram: at the host's interface.
fn outer(arriving: &Arriving, device: Option<String>, (me, port): (Vtep, u16)) -> Option<Place> {
    let packet = Packet {
        way: Way::In(device?),
        source: arriving.outer_source?,
        destination: me.0,
        carries: Carries::Udp(Some(port)),
    };
    Some(Place { hop: Hop::Decap, netns: None, packet })
}

/// Where rules may stop the packet: on the bridge, and at the workload's own interface.
fn inner(
    segment: Option<Netns>,
    own: Option<(Netns, String)>,
    arriving: &Arriving,
) -> impl Iterator<Item = Place> {
    let from = match arriving.outer_source {
        Some(_) => IfName::vxlan().to_string(),
        None => IfName::port(arriving.from).to_string(),
    };
    let across = Way::Across { from, to: IfName::port(arriving.endpoint).to_string() };
    let bridge = segment.map(|netns| (netns, across));
    let own = own.map(|(netns, name)| (netns, Way::In(name)));
    let (source, destination) = (arriving.packet.source, arriving.packet.destination);
    let carries = Carries::from(arriving.kind);
    bridge.into_iter().chain(own).map(move |(netns, way)| {
        let packet = Packet { way, source, destination, carries };
        Place { hop: Hop::Deliver, netns: Some(netns), packet }
    })
}
