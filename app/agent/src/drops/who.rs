//! Who sent what was dropped, in words.

use std::net::IpAddr;
use std::path::Path;

use weft_kernel::DropSample;
use weft_model::Vni;
use weft_plan::IfName;

use crate::local::Attachment;
use crate::state::Picture;

/// The sender of a frame: a workload by its port, a host by its address, else what is known.
pub(super) fn sent(picture: Option<&Picture>, sample: &DropSample) -> String {
    let by_port = picture.and_then(|picture| at_port(picture, &sample.interface));
    let by_host = || sample.outer_source.map(|source| host(picture, source));
    by_port.or_else(by_host).unwrap_or_else(|| match sample.source {
        Some(source) => format!("{source} behind {}", sample.interface),
        None => format!("{} behind {}", sample.source_mac, sample.interface),
    })
}

/// The workloads of a network namespace.
pub(super) fn asked(picture: Option<&Picture>, netns: &Path) -> String {
    let is_there = |a: &&Attachment| a.workload.netns().is_some_and(|path| path == netns);
    let here = picture.into_iter().flat_map(|picture| {
        picture.attachments.values().filter(is_there).map(|a| workload(picture, a))
    });
    let names: Vec<String> = here.collect();
    if names.is_empty() { netns.display().to_string() } else { names.join(", ") }
}

/// What people call a network.
pub(super) fn network(picture: &Picture, vni: Vni) -> Option<String> {
    let network = picture.view.networks().values().find(|network| network.vni == vni)?;
    Some(network.name.as_ref().map_or_else(|| network.id.short(), ToString::to_string))
}

fn at_port(picture: &Picture, interface: &str) -> Option<String> {
    let is_its = |a: &&Attachment| {
        let id = a.endpoint.id;
        [IfName::port(id), IfName::egress_port(id)].iter().any(|name| name.as_str() == interface)
    };
    picture.attachments.values().find(is_its).map(|a| workload(picture, a))
}

fn workload(picture: &Picture, attachment: &Attachment) -> String {
    let endpoint = &attachment.endpoint;
    let name = endpoint.name.as_ref().map_or_else(|| endpoint.id.short(), ToString::to_string);
    let network = picture.view.network(attachment.network);
    let network = network.and_then(|network| network.name.as_ref()).map(ToString::to_string);
    format!("{name} on {}", network.unwrap_or_else(|| attachment.network.short()))
}

fn host(picture: Option<&Picture>, address: IpAddr) -> String {
    let mut nodes = picture.into_iter().flat_map(|picture| picture.view.nodes().values());
    match nodes.find(|node| node.vtep.0 == address) {
        Some(node) => format!("host {}", node.name),
        None => format!("{address}, no member"),
    }
}
