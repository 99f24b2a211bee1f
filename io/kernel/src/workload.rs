//! The workload's end of a veth pair, for workloads that no container engine wires.

use std::io;
use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::link::LinkAttribute;
use weft_model::{MacAddr, Mtu};
use weft_plan::IfName;

use crate::netlink::link::{self, Link};
use crate::netlink::{Request, Rtnl, address};
use crate::{Netns, WireError};

/// How a workload sees its interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadLink {
    /// Its name inside the workload's namespace.
    pub name: IfName,
    /// Its address; absent: the one it was born with.
    pub mac: Option<MacAddr>,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
    /// Its MTU.
    pub mtu: Mtu,
    /// The default route's gateway, if it has a default route.
    pub default_via: Option<IpAddr>,
}

/// Moves a pair's end from the calling thread's namespace into a workload's and sets it up.
///
/// # Errors
///
/// [`WireError`] says which step the kernel refused. The end may be in either namespace then.
pub async fn wire_workload(
    peer: &IfName,
    into: &Netns,
    setup: WorkloadLink,
) -> Result<(), WireError> {
    let host = Netns::current().map_err(refused("find its namespace", peer))?;
    wire_workload_from(&host, peer, into, setup).await
}

/// As [`wire_workload`], with the pair's end in another host's namespace.
///
/// # Errors
///
/// As [`wire_workload`].
pub async fn wire_workload_from(
    host: &Netns,
    peer: &IfName,
    into: &Netns,
    setup: WorkloadLink,
) -> Result<(), WireError> {
    let (host, peer, into) = (host.clone(), peer.clone(), into.clone());
    match tokio::task::spawn_blocking(move || wire(&host, &peer, &into, &setup)).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn wire(host: &Netns, peer: &IfName, into: &Netns, setup: &WorkloadLink) -> Result<(), WireError> {
    let mut outside = Rtnl::open(host).map_err(refused("open a socket", peer))?;
    let found = outside.get(link::named(peer)).ok().and_then(Link::of);
    let found = found.ok_or_else(|| WireError::NoPeer(peer.clone()))?;
    let mut attributes =
        vec![LinkAttribute::IfName(setup.name.to_string()), LinkAttribute::Mtu(setup.mtu.into())];
    attributes.extend(setup.mac.map(|mac| LinkAttribute::Address(mac.0.to_vec())));
    let moved = outside.request(link::move_to(found.index, into, attributes));
    moved.map_err(refused("move the pair's end", peer))?;
    let mut inside = Rtnl::open(into).map_err(refused("enter the workload's namespace", peer))?;
    set_up(&mut inside, setup)
}

fn set_up(inside: &mut Rtnl, setup: &WorkloadLink) -> Result<(), WireError> {
    let name = &setup.name;
    let index = index_of(inside, name)?;
    let lo = index_of(inside, &IfName::loopback())?;
    let mut ask = |what, request: Request| inside.request(request).map_err(refused(what, name));
    ask("bring lo up", link::set_up(lo))?;
    for &net in &setup.addresses {
        ask("add an address", address::add(index, net))?;
    }
    ask("bring the interface up", link::set_up(index))?;
    match setup.default_via {
        Some(gateway) => ask("add the default route", address::add_default(index, gateway)),
        None => Ok(()),
    }
}

fn index_of(rtnl: &mut Rtnl, name: &IfName) -> Result<u32, WireError> {
    let found = rtnl.get(link::named(name)).map_err(refused("find the interface", name))?;
    Link::of(found).map(|link| link.index).ok_or_else(|| WireError::NoPeer(name.clone()))
}

fn refused<'a>(
    what: &'static str,
    name: &'a IfName,
) -> impl FnOnce(io::Error) -> WireError + use<'a> {
    move |source| WireError::Refused { what, name: name.clone(), source }
}
