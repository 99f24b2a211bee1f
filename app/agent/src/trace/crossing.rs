//! Probes of the way to the other host, in VXLAN of a network that nobody has.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use weft_api::ProblemKind;
use weft_kernel::host::{self, Ear, Nonce};
use weft_model::Mtu;
use weft_path::{Journey, Located};
use weft_trace::Crossing;

use crate::inspect::{Inquiry, Inspector};
use crate::problem::{Answer, because};

/// The sizes that tell how large a packet may be, beside the ones that are needed and promised.
const SIZES: [u16; 5] = [128, 576, 1280, 1400, 1450];
/// How long the other host listens.
const HEARING: Duration = Duration::from_millis(300);
/// Probes are sent again and again until the other host has said what it heard: that it listens
/// by now is not known before.
const AGAIN: Duration = Duration::from_millis(20);
/// How long an answer to a ping may take.
const PING: Duration = Duration::from_millis(250);

/// What another host is to listen for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Probes {
    /// Who sends, over the underlay.
    pub(crate) from: IpAddr,
    /// What tells these probes from others.
    pub(crate) nonce: Nonce,
    /// Of which sizes.
    pub(crate) sizes: BTreeSet<u16>,
}

/// Sends probes to the receiver's host, if it is another one.
pub(super) async fn look(
    inspector: &Inspector,
    journey: &Journey,
    receiver: &Located,
) -> Option<Crossing> {
    let picture = inspector.desk().fabric.state.picture();
    let facts = &picture.facts;
    let to = facts.vtep(receiver.owner).filter(|_| receiver.owner != picture.me.id)?.0;
    let network = facts.networks.get(&journey.network?)?;
    let needed = outer(network.mtu.unwrap_or(facts.inner_mtu), to);
    let promised = host::path_to(to).await.map_or(needed, |path| path.mtu.bytes());
    let fits = |size: &u16| *size <= needed;
    let sizes: BTreeSet<u16> = SIZES.into_iter().chain([needed, promised]).filter(fits).collect();
    let probes = Probes { from: picture.me.vtep.0, nonce: rand::random(), sizes };
    let pings = tokio::spawn(ping_later(to));
    let asked = Inquiry::Hear(probes.clone());
    let heard = inspector.ask::<BTreeSet<u16>>(receiver.owner, &asked);
    let mut sent = BTreeSet::new();
    let at = SocketAddr::new(to, facts.vxlan_port);
    let heard = tokio::select! {
        heard = heard => heard,
        () = send(at, &probes, &mut sent) => return None,
    };
    let pings = match &heard {
        Ok(_) => {
            pings.abort();
            None
        }
        Err(_silent) => pings.await.ok().flatten(),
    };
    Some(Crossing { sent, heard: heard.unwrap_or_default(), needed, pings })
}

/// Whether a host answers pings, asked when its agent should have answered by now.
async fn ping_later(to: IpAddr) -> Option<bool> {
    sleep(HEARING).await;
    let nonce = rand::random();
    spawn_blocking(move || host::answers_ping(to, nonce, PING)).await.ok()?.ok()
}

/// Sends without end; dropped when the other host has answered.
async fn send(at: SocketAddr, probes: &Probes, sent: &mut BTreeSet<u16>) {
    loop {
        let (nonce, sizes) = (probes.nonce, probes.sizes.clone());
        let probed = spawn_blocking(move || host::probe(at, nonce, &sizes)).await;
        if let Ok(Ok(sizes)) = probed {
            sent.extend(sizes);
        }
        sleep(AGAIN).await;
    }
}

/// The sizes of those that come here, before any rule.
pub(crate) async fn hear(probes: Probes, port: u16) -> Answer<BTreeSet<u16>> {
    let failed = |error: std::io::Error| {
        let what = "this host cannot listen on its underlay";
        because(ProblemKind::Internal, what, &error, "see its interfaces: ip address")
    };
    let path = host::path_to(probes.from).await.map_err(failed)?;
    let heard = spawn_blocking(move || {
        let mut ear = Ear::open(&path.device, port)?;
        Ok(ear.heard(probes.nonce, &probes.sizes, Instant::now() + HEARING))
    });
    heard.await.map_err(|error| failed(std::io::Error::other(error)))?.map_err(failed)
}

/// The outer packet of an inner one that is as large as may be.
pub(crate) fn outer(inner: Mtu, to: IpAddr) -> u16 {
    let header = Mtu::ETHERNET.bytes() - Mtu::ETHERNET.inner(to).bytes();
    inner.bytes().saturating_add(header)
}
