//! Where programs carry: no interface of the host's has all frames of a network. What workloads send
//! is seen at their ports, what comes for them on the underlay, and a workload's own end of its wire
//! counts both.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use futures::future::join_all;
use weft_kernel::capture::{Capture, Heard};
use weft_kernel::{Counters, Netns, counters};
use weft_model::{NetworkId, Vni};
use weft_plan::IfName;
use weft_wire::Decoded;

use super::Measured;
use super::tally::{Tally, listen};
use crate::local::Attachment;
use crate::outlook::Outlook;
use crate::state::Picture;

/// The networks of this host.
pub(super) type Networks = BTreeMap<Vni, NetworkId>;

/// Measures networks that programs carry, all at once.
pub(super) async fn measure(
    picture: &Picture,
    networks: Networks,
    lasting: Duration,
) -> io::Result<Vec<Measured>> {
    if networks.is_empty() {
        return Ok(Vec::new());
    }
    let host = Netns::current()?;
    let of = Origin::find(picture, &networks, &host).await?;
    let capture = Capture::open_programs(&host, picture.facts.vxlan_port)?;
    let before = loads(picture, &networks).await;
    let tallies = listen(capture, lasting, BTreeMap::new(), move |tallies, heard| {
        let Some((network, frame, length)) = of.judge(heard) else { return };
        tallies.entry(network).or_insert_with(Tally::default).count(&frame, length);
    });
    let (mut tallies, unseen) = tallies.await?;
    let after = loads(picture, &networks).await;
    let mut measured: Vec<Measured> = networks
        .into_values()
        .map(|network| Measured {
            network,
            before: before.clone(),
            after: after.clone(),
            tally: tallies.remove(&network).unwrap_or_default(),
        })
        .collect();
    measured.first_mut().into_iter().for_each(|first| first.tally.unseen += unseen);
    Ok(measured)
}

/// Which network a frame is of.
struct Origin {
    ports: BTreeMap<usize, NetworkId>,
    networks: Networks,
    vxlan_port: u16,
}

impl Origin {
    async fn find(picture: &Picture, networks: &Networks, host: &Netns) -> io::Result<Self> {
        let interfaces = counters(host).await?;
        let number = |attachment: &Attachment| {
            let port = IfName::port(attachment.endpoint.id);
            usize::try_from(interfaces.get(port.as_str())?.number).ok()
        };
        let ports = picture.attachments.values();
        let ports = ports.filter_map(|one| Some((number(one)?, one.network))).collect();
        Ok(Self { ports, networks: networks.clone(), vxlan_port: picture.facts.vxlan_port })
    }

    /// Each frame counts once where it comes in: at its sender's port, or from another host.
    fn judge(&self, heard: &Heard) -> Option<(NetworkId, Decoded, usize)> {
        if heard.outgoing {
            return None;
        }
        if let Some(network) = self.ports.get(&heard.interface) {
            return Some((*network, Decoded::parse(&heard.bytes).ok()?, heard.length));
        }
        let outer = Decoded::with_vxlan_port(&heard.bytes, self.vxlan_port).ok()?;
        let (ip, _, vxlan, inner) = outer.vxlan()?;
        let network = self.networks.get(&Vni::try_from(vxlan.vni).ok()?)?;
        let headers = if ip.source().is_ipv4() { 50 } else { 70 };
        Some((*network, inner.clone(), heard.length.saturating_sub(headers)))
    }
}

/// What workloads have sent and got, by their ports, told as a port would tell it.
async fn loads(picture: &Picture, networks: &Networks) -> BTreeMap<String, Counters> {
    let vni = |network| networks.iter().find(|(_, id)| **id == network).map(|(vni, _)| *vni);
    let here = picture.attachments.values().filter_map(|one| Some((one, vni(one.network)?)));
    let read = here.map(async |(attachment, vni)| {
        let port = IfName::port(attachment.endpoint.id).to_string();
        Some((port, load(attachment.clone(), vni).await?))
    });
    join_all(read).await.into_iter().flatten().collect()
}

/// Nothing if the workload is gone.
async fn load(attachment: Attachment, vni: Vni) -> Option<Counters> {
    let found = tokio::task::spawn_blocking(move || Outlook::find(&attachment, vni));
    let Outlook { netns, interface, .. } = found.await.ok()?.ok()?;
    counters(&netns).await.ok()?.get(interface.as_str()).map(Counters::from_the_other_end)
}
