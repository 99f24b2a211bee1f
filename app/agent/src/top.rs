//! What flows on this host: counters read twice, and frames looked at in between. Nothing of it
//! runs while nobody asks.

mod tally;
mod woven;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::sync::broadcast;
use weft_api::{DropView, FlowView, LoadView, PeerView, TopView};
use weft_kernel::capture::Capture;
use weft_kernel::{Counters, Netns, counters};
use weft_model::{NetworkId, NodeId, Vni};
use weft_path::Located;
use weft_plan::IfName;
use weft_transport::MeshHandle;
use weft_wire::Flow;

use crate::local::Attachment;
use crate::state::Picture;

use tally::{Tally, listen};

/// So many flows are told.
const TOLD: usize = 64;

/// One network of this host, as it was measured.
struct Measured {
    network: NetworkId,
    before: BTreeMap<String, Counters>,
    after: BTreeMap<String, Counters>,
    tally: Tally,
}

/// Measures for `lasting`; `drops` tells what the guard has looked at meanwhile.
pub(crate) async fn measure(
    picture: &Picture,
    mesh: &MeshHandle,
    lasting: Duration,
    mut drops: broadcast::Receiver<Arc<DropView>>,
) -> TopView {
    let began = Instant::now();
    let here = picture.view.networks().values().filter(|network| {
        picture.attachments.values().any(|attachment| attachment.network == network.id)
    });
    let (bridged, woven): (Vec<_>, Vec<_>) =
        here.map(|network| (network.vni, network.id)).partition(|(vni, _)| segment(*vni).is_ok());
    let bridged = join_all(bridged.into_iter().map(|(vni, id)| of_network(id, vni, lasting)));
    let woven = woven::measure(picture, woven.into_iter().collect(), lasting);
    let (bridged, woven, trips) = tokio::join!(bridged, woven, round_trips(picture, mesh));
    let woven = woven.inspect_err(|error| {
        tracing::warn!(%error, "what programs carry cannot be measured");
    });
    let measured: Vec<Measured> =
        bridged.into_iter().flatten().chain(woven.unwrap_or_default()).collect();
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    let drops = std::iter::from_fn(|| drops.try_recv().ok()).collect();
    let report = Report { picture, trips, millis, drops };
    TopView {
        host: picture.me.name.to_string(),
        millis,
        endpoints: report.loads(&measured),
        flows: report.flows(&measured),
        peers: report.peers(),
        unseen: measured.iter().map(|measured| measured.tally.unseen).sum(),
    }
}

/// The namespace of a network that a bridge carries.
fn segment(vni: Vni) -> std::io::Result<Netns> {
    Netns::named(&format!("weft-{vni}"))
}

/// Nothing if the network has gone meanwhile.
async fn of_network(network: NetworkId, vni: Vni, lasting: Duration) -> Option<Measured> {
    let netns = segment(vni).ok()?;
    let before = counters(&netns).await.ok()?;
    let capture = Capture::open_all(&netns).ok()?;
    let listened = listen(capture, lasting, Tally::default(), Tally::hear);
    let (mut tally, unseen) = listened.await.ok()?;
    tally.unseen += unseen;
    let after = counters(&netns).await.ok()?;
    Some(Measured { network, before, after, tally })
}

async fn round_trips(picture: &Picture, mesh: &MeshHandle) -> BTreeMap<NodeId, u64> {
    let others = picture.view.nodes().keys().copied().filter(|id| *id != picture.me.id);
    let asked = others.map(async |id| {
        let trip = mesh.round_trip(id).await?;
        Some((id, u64::try_from(trip.as_micros()).unwrap_or(u64::MAX)))
    });
    join_all(asked).await.into_iter().flatten().collect()
}

struct Report<'a> {
    picture: &'a Picture,
    trips: BTreeMap<NodeId, u64>,
    millis: u64,
    drops: Vec<Arc<DropView>>,
}

impl Report<'_> {
    fn per_second(&self, count: u64) -> u64 {
        count.saturating_mul(1000) / self.millis
    }

    fn network(&self, id: NetworkId) -> String {
        let name = self.picture.view.network(id).and_then(|network| network.name.as_ref());
        name.map_or_else(|| id.short(), ToString::to_string)
    }

    fn loads(&self, measured: &[Measured]) -> Vec<LoadView> {
        let mut loads: Vec<LoadView> = self
            .picture
            .attachments
            .values()
            .filter_map(|attachment| {
                let of = measured.iter().find(|of| of.network == attachment.network)?;
                Some(self.load(attachment, of))
            })
            .collect();
        loads.sort_by_key(|load| std::cmp::Reverse(load.sent_bytes + load.got_bytes));
        loads
    }

    /// What comes into the host's end of the pair is what the workload has sent.
    fn load(&self, attachment: &Attachment, of: &Measured) -> LoadView {
        let endpoint = &attachment.endpoint;
        let port = IfName::port(endpoint.id);
        let before = of.before.get(port.as_str()).copied().unwrap_or_default();
        let after = of.after.get(port.as_str()).copied().unwrap_or_default();
        let more = |count: fn(&Counters) -> u64| {
            self.per_second(count(&after).saturating_sub(count(&before)))
        };
        let guarded =
            self.drops.iter().filter(|drop| drop.interface.as_deref() == Some(port.as_str()));
        LoadView {
            name: endpoint.name.as_ref().map_or_else(|| endpoint.id.short(), ToString::to_string),
            network: self.network(attachment.network),
            address: endpoint.addresses.first().copied(),
            sent_bytes: more(|counters| counters.in_bytes),
            sent_packets: more(|counters| counters.in_packets),
            got_bytes: more(|counters| counters.out_bytes),
            got_packets: more(|counters| counters.out_packets),
            dropped: more(|counters| counters.dropped) + self.per_second(guarded.count() as u64),
        }
    }

    fn flows(&self, measured: &[Measured]) -> Vec<FlowView> {
        let all = measured
            .iter()
            .flat_map(|of| of.tally.flows.iter().map(|(flow, seen)| (of.network, flow, seen)));
        let mut flows: Vec<FlowView> =
            all.map(|(network, flow, seen)| self.flow(network, flow, *seen)).collect();
        flows.sort_by_key(|flow| std::cmp::Reverse((flow.bytes, flow.packets)));
        flows.truncate(TOLD);
        flows
    }

    fn flow(&self, network: NetworkId, flow: &Flow, (packets, bytes): (u64, u64)) -> FlowView {
        let (from, to) = (self.with(network, flow.source), self.with(network, flow.destination));
        let name = |located: Option<&Located>, address: IpAddr| {
            let name = located.and_then(|located| located.endpoint.name.as_ref());
            name.map_or_else(|| address.to_string(), ToString::to_string)
        };
        let owners = from.iter().chain(&to).map(|located| located.owner);
        let peer = { owners }.find(|owner| *owner != self.picture.me.id);
        let ports = flow.ports.map(|(from, to)| format!(" {from} > {to}")).unwrap_or_default();
        FlowView {
            network: self.network(network),
            from: name(from, flow.source),
            to: name(to, flow.destination),
            protocol: format!("{}{ports}", flow.protocol_name()),
            bytes: self.per_second(bytes),
            packets: self.per_second(packets),
            peer: peer.map(|peer| self.node(peer)),
            round_trip: peer.and_then(|peer| self.trips.get(&peer).copied()),
        }
    }

    fn with(&self, network: NetworkId, address: IpAddr) -> Option<&Located> {
        let mut rows = self.picture.facts.endpoints_of(network);
        rows.find(|row| row.endpoint.addresses.contains(&address))
    }

    fn node(&self, id: NodeId) -> String {
        self.picture.view.node(id).map_or_else(|| id.short(), |node| node.name.to_string())
    }

    fn peers(&self) -> Vec<PeerView> {
        let others = self.picture.view.nodes().keys().filter(|id| **id != self.picture.me.id);
        let peer = |id: &NodeId| PeerView {
            node: self.node(*id),
            round_trip: self.trips.get(id).copied(),
        };
        others.map(peer).collect()
    }
}
