//! Workloads that are not Docker's: any network namespace, attached on request.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use weft_api::{AttachmentCreate, ProblemKind};
use weft_kernel::{Netns, WorkloadLink, wire_workload};
use weft_life::Life;
use weft_model::{Endpoint, EndpointId, Mtu, Network};
use weft_plan::IfName;

use crate::fabric::Fabric;
use crate::local::{Attachment, Workload};
use crate::problem::{Answer, because, problem};
use crate::state::Picture;

/// The workload's interface on the network.
pub(crate) const INTERFACE: &str = "eth0";
/// The workload's way out.
const EGRESS_INTERFACE: &str = "eth1";

/// Attaches a namespace; nothing is left behind if it fails.
pub(crate) async fn attach(
    fabric: &Fabric,
    egress: IpNet,
    asked: AttachmentCreate,
) -> Answer<EndpointId> {
    let network = fabric.network(&asked.network)?;
    let netns = open(&asked)?;
    let picture = fabric.state.picture();
    refuse_twins(&picture, &network, &asked)?;
    let way_out = if network.internal { None } else { Some(free_egress(&picture, egress)?) };
    let address = fabric.lease(network.id, asked.address).await?;
    let attachment = Attachment {
        network: network.id,
        endpoint: Endpoint {
            id: EndpointId::at(fabric.state.picture().me.id, rand::random()),
            mac: fabric.state.picture().mac(network.id, address),
            addresses: vec![address],
            name: Some(asked.name),
            aliases: asked.aliases.into_iter().collect(),
        },
        workload: Workload::Plain { netns: asked.netns, inode: netns.inode(), egress: way_out },
        joined: false,
        life: Life::Running,
    };
    let id = attachment.endpoint.id;
    match wire(fabric, &network, egress, &netns, attachment).await {
        Ok(()) => Ok(id),
        Err(mut problem) => {
            let undone = fabric.detach(id).await.map(|_detached| ());
            // An attachment that was not even kept has not taken its address along.
            let released = fabric.state.release(network.id, address).await;
            let failed = [undone, released].into_iter().filter_map(Result::err);
            problem.cause.extend(failed.map(|error| format!("and undoing it: {error}")));
            Err(problem)
        }
    }
}

/// Port first, then the interface inside the namespace, then the names.
async fn wire(
    fabric: &Fabric,
    network: &Network,
    egress: IpNet,
    netns: &Netns,
    attachment: Attachment,
) -> Answer<()> {
    fabric.attach(attachment.clone()).await?;
    let Endpoint { id, addresses, .. } = &attachment.endpoint;
    let prefixed = |address: &IpAddr| {
        let subnet = network.subnet_of(*address)?;
        IpNet::new(*address, subnet.range.prefix_len()).ok()
    };
    let link = WorkloadLink {
        name: name(INTERFACE)?,
        mac: None,
        addresses: addresses.iter().filter_map(prefixed).collect(),
        mtu: network.mtu.unwrap_or_else(|| fabric.inner_mtu()),
        default_via: None,
    };
    into(&IfName::peer(*id), netns, link).await?;
    if let Workload::Plain { egress: Some(way_out), .. } = attachment.workload {
        let link = WorkloadLink {
            name: name(EGRESS_INTERFACE)?,
            mac: None,
            addresses: IpNet::new(way_out, egress.prefix_len()).into_iter().collect(),
            mtu: Mtu::ETHERNET,
            default_via: Some(egress.addr()),
        };
        into(&IfName::egress_peer(*id), netns, link).await?;
    }
    let id = *id;
    fabric.attach(Attachment { joined: true, ..attachment }).await?;
    fabric.introduce(network.id, id).await;
    Ok(())
}

async fn into(peer: &IfName, netns: &Netns, link: WorkloadLink) -> Answer<()> {
    wire_workload(peer, netns, link).await.map_err(|error| {
        because(ProblemKind::Internal, "give the workload its interface", &error, error.hint())
    })
}

fn name(text: &str) -> Answer<IfName> {
    text.parse().map_err(|error: weft_plan::IfNameError| {
        because(ProblemKind::Internal, "name the interface", &error, "")
    })
}

fn open(asked: &AttachmentCreate) -> Answer<Netns> {
    Netns::open(&asked.netns).map_err(|error| {
        let what = format!("cannot use {} as a network namespace", asked.netns.display());
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ProblemKind::NotFound,
            _ => ProblemKind::BadInput,
        };
        because(kind, what, &error, "see which there are: ip netns, lsns -t net")
    })
}

/// Two workloads of one host and network cannot share a name: `detach` would not know which.
fn refuse_twins(picture: &Picture, network: &Network, asked: &AttachmentCreate) -> Answer<()> {
    let twin = |attachment: &&Attachment| {
        attachment.network == network.id && attachment.endpoint.name.as_ref() == Some(&asked.name)
    };
    if picture.attachments.values().any(|attachment| twin(&attachment)) {
        let what = format!("name `{}` is taken on this host", asked.name);
        let hint = format!("choose another, or first: weft detach {}", asked.name);
        return Err(problem(ProblemKind::Conflict, what, hint));
    }
    Ok(())
}

fn free_egress(picture: &Picture, range: IpNet) -> Answer<IpAddr> {
    let of = |attachment: &Attachment| match attachment.workload {
        Workload::Plain { egress, .. } => egress,
        Workload::Docker { .. } => None,
    };
    let taken: BTreeSet<IpAddr> = picture.attachments.values().filter_map(of).collect();
    let free = |address: &IpAddr| *address != range.addr() && !taken.contains(address);
    range.trunc().hosts().find(free).ok_or_else(|| {
        let what = format!("the egress range {} is full", range.trunc());
        problem(
            ProblemKind::Conflict,
            what,
            "give the agent a larger one: weft agent --egress CIDR",
        )
    })
}

/// A plain workload of this host, by name or id.
pub(crate) fn of_this_host(picture: &Picture, reference: &str) -> Option<EndpointId> {
    let is = |attachment: &&Attachment| {
        let named = attachment.endpoint.name.as_ref().is_some_and(|n| n.as_str() == reference);
        let plain = matches!(attachment.workload, Workload::Plain { .. });
        plain && (named || attachment.endpoint.id.to_string() == reference)
    };
    picture.attachments.values().find(is).map(|attachment| attachment.endpoint.id)
}

/// Detaches a plain workload of this host.
pub(crate) async fn detach(fabric: &Fabric, id: EndpointId) -> Answer<()> {
    let picture = fabric.state.picture();
    match picture.attachments.get(&id).map(|attachment| &attachment.workload) {
        Some(Workload::Plain { .. }) => fabric.detach(id).await.map(|_attachment| ()),
        Some(Workload::Docker { .. }) => Err(problem(
            ProblemKind::Conflict,
            "this endpoint is a Docker container's",
            "use `docker network disconnect` or `docker rm`",
        )),
        None => Err(problem(
            ProblemKind::NotFound,
            "this endpoint is on another host",
            "run `weft detach` on the host that has it: weft endpoint ls",
        )),
    }
}
