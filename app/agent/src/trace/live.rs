//! A ping that is really sent: out of the sender, watched on both hosts, there and back.
//!
//! It comes out of the sender's own namespace, so that it passes all that the sender's packets
//! pass; the receiver's kernel answers it, and the receiver notices nothing.

use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use weft_api::ProblemKind;
use weft_kernel::Netns;
use weft_kernel::host::{self, Echo, EchoSeen, Nonce, Watch};
use weft_model::{EndpointId, Vni};
use weft_path::{Journey, Located};
use weft_trace::{Live, Sighting, Spot, Watched};

use crate::inspect::{Desk, Inquiry, Inspector};
use crate::outlook::Outlook;
use crate::problem::{Answer, because, not_found};

/// How long a host watches.
const WATCHING: Duration = Duration::from_millis(350);
/// One is sent after the other until the other host has seen enough.
const AGAIN: Duration = Duration::from_millis(15);
/// No more than so many are sent.
const MOST: u16 = 20;
/// So many there and back are enough.
const ENOUGH: usize = 3;

/// What a host is to watch for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watching {
    /// What tells these pings from others.
    pub(crate) nonce: Nonce,
    /// The network on the wire.
    pub(crate) vni: Vni,
    /// The workload at whose port they pass.
    pub(crate) endpoint: EndpointId,
    /// The other host; absent if they stay on this one.
    pub(crate) peer: Option<IpAddr>,
}

/// What a host has seen, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sighted {
    /// The interface at which the workload's frames pass.
    pub(crate) port: String,
    /// The interface that leads to the other host.
    pub(crate) wire: String,
    /// All frames.
    pub(crate) seen: Vec<Sighting>,
}

/// Sends pings and puts together what both hosts have seen.
pub(super) async fn send(
    inspector: &Inspector,
    journey: &Journey,
    receiver: &Located,
) -> Option<Live> {
    let desk = inspector.desk();
    let picture = desk.fabric.state.picture();
    let packet = journey.packet?;
    let network = picture.view.network(journey.network?)?;
    let sender = picture.attachments.get(&journey.from)?;
    let netns = Netns::open(sender.workload.netns()?).ok()?;
    let vtep = |row: &Located| picture.facts.vtep(row.owner).map(|vtep| vtep.0);
    let crosses = packet.envelope.is_some();
    let nonce: Nonce = rand::random();
    let watching = |endpoint, peer| Watching { nonce, vni: network.vni, endpoint, peer };
    let theirs = watching(receiver.endpoint.id, crosses.then_some(picture.me.vtep.0));
    let mine = watching(journey.from, if crosses { vtep(receiver) } else { None });

    let (there, here) = (Inquiry::Watch(theirs), watch(desk, mine));
    let there = inspector.ask::<Sighted>(receiver.owner, &there);
    let mut sent = 0;
    let (there, here) = tokio::select! {
        seen = async { tokio::join!(there, here) } => seen,
        () = pings((netns, packet.destination, nonce), &mut sent) => return None,
    };
    let (there, here) = (there.unwrap_or_default(), here.unwrap_or_default());
    let name = |id| picture.view.node(id).map(|node| node.name.to_string()).unwrap_or_default();
    let (my_name, their_name) = (name(picture.me.id), name(receiver.owner));
    let sender = Watched { host: &my_name, port: &here.port, wire: &here.wire, seen: &here.seen };
    let receiver =
        Watched { host: &their_name, port: &there.port, wire: &there.wire, seen: &there.seen };
    Some(Live::assemble(sent, sender, receiver, crosses))
}

/// Sends one after the other and then waits without end; dropped when enough were seen.
async fn pings((netns, to, nonce): (Netns, IpAddr, Nonce), sent: &mut u32) {
    if let Ok(Ok(echo)) = spawn_blocking(move || Echo::open(&netns, to, nonce)).await {
        for sequence in 1..=MOST {
            // A way that is not there yet is a ping that is not seen.
            if echo.send(sequence).is_ok() {
                *sent += 1;
            }
            sleep(AGAIN).await;
        }
    }
    std::future::pending::<()>().await;
}

/// Watches this host's two places until enough were seen, or the time is over.
pub(crate) async fn watch(desk: &Desk, watching: Watching) -> Answer<Sighted> {
    let failed = |error: std::io::Error| {
        let what = "this host cannot watch its interfaces";
        because(ProblemKind::Internal, what, &error, "see its interfaces: weft verify")
    };
    let picture = desk.fabric.state.picture();
    let attachment = picture.attachments.get(&watching.endpoint).cloned();
    let attachment = attachment.ok_or_else(|| not_found("endpoint", &watching.endpoint.short()))?;
    let outlook = spawn_blocking(move || Outlook::find(&attachment, watching.vni)).await;
    let outlook = outlook.unwrap_or_else(|panic| Err(std::io::Error::other(panic)));
    let outlook = outlook.map_err(failed)?;
    let vxlan_port = picture.facts.vxlan_port;
    let device = match watching.peer {
        Some(peer) => Some(host::path_to(peer).await.map_err(failed)?.device.to_string()),
        None => None,
    };
    let deadline = Instant::now() + WATCHING;
    let port = outlook.interface.to_string();
    let at_port = spawn_blocking(move || {
        let (netns, interface) = (&outlook.netns, outlook.interface.as_str());
        Ok(all(Watch::of_port(netns, interface, watching.nonce)?, deadline))
    });
    let wire = device.clone();
    let on_wire = spawn_blocking(move || {
        let Some(device) = wire else { return Ok(Vec::new()) };
        let tunnel = (vxlan_port, watching.vni);
        Ok(all(Watch::of_wire(&device, tunnel, watching.nonce)?, deadline))
    });
    let (at_port, on_wire) = tokio::join!(at_port, on_wire);
    let mut seen = Vec::new();
    for (spot, watched) in [(Spot::Port, at_port), (Spot::Wire, on_wire)] {
        let watched = watched.map_err(|error| failed(std::io::Error::other(error)))?;
        let sighting = |one: EchoSeen| Sighting {
            sequence: one.sequence,
            back: one.back,
            spot,
            at_us: micros(one.at),
        };
        seen.extend(watched.map_err(failed)?.into_iter().map(sighting));
    }
    Ok(Sighted { port, wire: device.unwrap_or_default(), seen })
}

/// All of them, until enough have come back.
fn all(mut watch: Watch, deadline: Instant) -> Vec<EchoSeen> {
    watch.seen(deadline, |seen| seen.iter().filter(|one| one.back).count() >= ENOUGH)
}

fn micros(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
