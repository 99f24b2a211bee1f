//! The listeners of one capture: at the workload's port, at the tunnel, at the underlay.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use weft_api::{FrameView, ProblemKind};
use weft_kernel::capture::{Capture, Heard};
use weft_kernel::{Netns, host};
use weft_model::EndpointId;
use weft_path::{Point, Subject, sighting};
use weft_plan::IfName;
use weft_wire::Decoded;

use super::{Shared, frame};
use crate::outlook::Outlook;
use crate::problem::{Answer, because, not_found};
use crate::state::{Picture, StateHandle};

/// How often a listener looks whether it is wanted.
const TURN: Duration = Duration::from_millis(200);

/// One of them.
pub(super) struct Listener {
    capture: Capture,
    interface: IfName,
    point: Point,
    /// It stands inside the workload, to which in is out.
    inside: bool,
    subject: Subject,
    state: StateHandle,
    bytes: usize,
}

/// Opens all listeners of an endpoint.
pub(super) async fn open(
    state: &StateHandle,
    endpoint: EndpointId,
    bytes: usize,
) -> Answer<Vec<Listener>> {
    let picture = state.picture();
    let attachment = picture.attachments.get(&endpoint);
    let network = attachment.and_then(|attachment| picture.view.network(attachment.network));
    let network = network.ok_or_else(|| not_found("endpoint", &endpoint.short()))?;
    let devices = underlay(&picture).await;
    let subject = Subject { host: picture.me.id, endpoint, network: network.id };
    let (vni, port) = (network.vni, picture.facts.vxlan_port);
    let attachment = attachment.cloned().ok_or_else(|| not_found("endpoint", &endpoint.short()))?;
    let opened = tokio::task::spawn_blocking(move || {
        let Outlook { netns, interface, inside, tunnel } = Outlook::find(&attachment, vni)?;
        let mut opened = Vec::new();
        let tunnel = tunnel.map(|interface| (Point::Tunnel, interface, false));
        for (point, interface, inside) in
            [(Point::Port, interface, inside)].into_iter().chain(tunnel)
        {
            let capture = Capture::open(&netns, interface.as_str())?;
            opened.push((capture, interface, point, inside));
        }
        let host = Netns::current()?;
        for interface in devices {
            let capture = Capture::open(&host, interface.as_str())?;
            capture.keep_tunnel(port)?;
            opened.push((capture, interface, Point::Underlay, false));
        }
        io::Result::Ok(opened)
    });
    let opened = opened.await.unwrap_or_else(|panic| Err(io::Error::other(panic)));
    let opened = opened.map_err(|error| {
        let hint = "compare the kernel with what is meant: weft verify";
        because(ProblemKind::Internal, "the interfaces could not be listened at", &error, hint)
    })?;
    let listener = |(capture, interface, point, inside)| Listener {
        capture,
        interface,
        point,
        inside,
        subject,
        state: state.clone(),
        bytes,
    };
    Ok(opened.into_iter().map(listener).collect())
}

/// The interfaces that lead to the other hosts.
async fn underlay(picture: &Picture) -> BTreeSet<IfName> {
    let mut devices = BTreeSet::new();
    for node in picture.view.nodes().values().filter(|node| node.id != picture.me.id) {
        // A host that there is no way to sends nothing either.
        devices.extend(host::path_to(node.vtep.0).await.ok().map(|path| path.device));
    }
    devices
}

impl Listener {
    /// Listens on a thread of its own until nobody wants it any more.
    pub(super) fn start(mut self, out: mpsc::Sender<FrameView>, shared: Arc<Shared>) {
        drop(tokio::task::spawn_blocking(move || {
            while !shared.stop.load(Ordering::Relaxed) && !out.is_closed() {
                let heard = self.capture.hear(Instant::now() + TURN);
                let seen = heard.and_then(|heard| self.sight(heard));
                let missed = seen.is_some_and(|seen| out.try_send(seen).is_err());
                let missed = u64::from(missed) + self.capture.lost();
                shared.lost.fetch_add(missed, Ordering::Relaxed);
            }
        }));
    }

    fn sight(&self, heard: Heard) -> Option<FrameView> {
        let picture = self.state.picture();
        let decoded = Decoded::with_vxlan_port(&heard.bytes, picture.facts.vxlan_port).ok()?;
        let heard = Heard { outgoing: heard.outgoing != self.inside, ..heard };
        let at = (self.point, heard.outgoing);
        let sighting = sighting(&picture.facts, self.subject, at, &decoded)?;
        let place = (picture.me.name.as_str(), self.interface.as_str(), self.point);
        Some(frame::view(place, &heard, sighting, self.bytes))
    }
}
