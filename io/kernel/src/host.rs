//! What the agent asks of the host itself: its routes, addresses, ports and features.
//!
//! Each question is about the calling thread's namespace; those that labs ask about other hosts
//! have a twin that ends in `_in`.

mod checksums;
mod echo;
mod features;
mod interface;
mod listeners;
mod neighbor;
mod port;
mod probe;
mod rules;
mod vxlan;
mod watch;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::Path as FilePath;

use ipnet::IpNet;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::RouteType;
use weft_model::Mtu;
use weft_plan::IfName;

pub use self::checksums::{wrong_checksums, wrong_datagrams};
pub use self::echo::{Echo, answers_ping};
pub use self::features::{Missing, missing_features};
pub use self::interface::{interface_with, set_mtu};
pub use self::listeners::{Ported, listeners};
pub use self::neighbor::ask_again;
pub use self::port::{udp_port_process, udp_port_taken};
pub use self::probe::{Ear, Nonce, probe};
pub use self::rules::{has_older_tables, ruleset, ruleset_in};
pub use self::vxlan::{ForeignVxlan, foreign_vxlan};
pub use self::watch::{EchoSeen, Watch};

use crate::Netns;
use crate::netlink::Rtnl;
use crate::netlink::address::{self, Route};
use crate::netlink::link::{self, Link};

/// `RT_TABLE_LOCAL`: the host's own addresses, as routes.
const LOCAL_TABLE: u32 = 255;

/// How packets to another host leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Through which interface.
    pub device: IfName,
    /// With what MTU.
    pub mtu: Mtu,
    /// From which address.
    pub source: IpAddr,
}

/// The destinations of all routes, the default route not counted.
///
/// # Errors
///
/// If the kernel does not answer.
pub async fn routes() -> io::Result<Vec<IpNet>> {
    routes_in(&Netns::current()?).await
}

/// As [`routes`], of another host.
///
/// # Errors
///
/// As [`routes`].
pub async fn routes_in(netns: &Netns) -> io::Result<Vec<IpNet>> {
    ask(netns, |rtnl| {
        let mut routes = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let dump = rtnl.dump(&address::all_routes(family))?;
            routes.extend(
                dump.into_iter().filter_map(Route::of).filter_map(|route| destination(&route)),
            );
        }
        routes.sort();
        routes.dedup();
        Ok(routes)
    })
    .await
}

/// The destinations of all routes with the interfaces they lead to, the default route not counted.
///
/// # Errors
///
/// If the kernel does not answer.
pub async fn routes_by_device() -> io::Result<Vec<(IpNet, String)>> {
    ask(&Netns::current()?, |rtnl| {
        let links = rtnl.dump(&link::all())?.into_iter().filter_map(Link::of);
        let names: BTreeMap<u32, String> = links.map(|link| (link.index, link.name)).collect();
        let mut routes = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let dump = rtnl.dump(&address::all_routes(family))?;
            routes.extend(dump.into_iter().filter_map(Route::of).filter_map(|route| {
                Some((destination(&route)?, names.get(&route.device?)?.clone()))
            }));
        }
        Ok(routes)
    })
    .await
}

/// The bytes that are free for the file system of a directory, for a process without privileges.
///
/// # Errors
///
/// If there is no such directory.
pub fn free_space(directory: &FilePath) -> io::Result<u64> {
    let room = nix::sys::statvfs::statvfs(directory)?;
    Ok(room.blocks_available().saturating_mul(room.fragment_size()))
}

fn destination(route: &Route) -> Option<IpNet> {
    let local = route.table == LOCAL_TABLE;
    let taken = route.kind == RouteType::Unicast && !local;
    route.destination.filter(|net| taken && net.prefix_len() > 0)
}

/// The way to an address.
///
/// # Errors
///
/// `NetworkUnreachable` if there is none.
pub async fn path_to(address: IpAddr) -> io::Result<Path> {
    path_to_in(&Netns::current()?, address).await
}

/// As [`path_to`], of another host.
///
/// # Errors
///
/// As [`path_to`].
pub async fn path_to_in(netns: &Netns, address: IpAddr) -> io::Result<Path> {
    ask(netns, move |rtnl| {
        let unreachable = || io::Error::from(io::ErrorKind::NetworkUnreachable);
        let route = Route::of(rtnl.get(address::route_to(address))?).ok_or_else(unreachable)?;
        let index = route.device.ok_or_else(unreachable)?;
        let link = Link::of(rtnl.get(link::numbered(index))?).ok_or_else(unreachable)?;
        let bytes = route.mtu.filter(|&mtu| mtu != 0).unwrap_or(link.mtu).min(link.mtu);
        Ok(Path {
            device: link.name.parse().map_err(io::Error::other)?,
            mtu: bytes.min(u16::MAX.into()).try_into().map_err(io::Error::other)?,
            source: route.source.ok_or_else(unreachable)?,
        })
    })
    .await
}

/// The MTU of the interface that has one of the host's own addresses.
///
/// # Errors
///
/// `AddrNotAvailable` if none has it.
pub async fn mtu_at(address: IpAddr) -> io::Result<Mtu> {
    ask(&Netns::current()?, move |rtnl| {
        let missing = || io::Error::from(io::ErrorKind::AddrNotAvailable);
        let mut dump = rtnl.dump(&address::all())?.into_iter().filter_map(address::of);
        let (index, _net) = dump.find(|(_, net)| net.addr() == address).ok_or_else(missing)?;
        let link = Link::of(rtnl.get(link::numbered(index))?).ok_or_else(missing)?;
        link.mtu.min(u16::MAX.into()).try_into().map_err(io::Error::other)
    })
    .await
}

/// The host's own addresses, loopback and link-local ones not counted.
///
/// # Errors
///
/// If the kernel does not answer.
pub async fn addresses() -> io::Result<Vec<IpNet>> {
    addresses_in(&Netns::current()?).await
}

/// As [`addresses`], of another host.
///
/// # Errors
///
/// As [`addresses`].
pub async fn addresses_in(netns: &Netns) -> io::Result<Vec<IpNet>> {
    ask(netns, |rtnl| {
        let dump = rtnl.dump(&address::all())?.into_iter().filter_map(address::of);
        Ok(dump.map(|(_, net)| net).filter(|net| is_reachable(net.addr())).collect())
    })
    .await
}

const fn is_reachable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
    }
}

async fn ask<T: Send + 'static>(
    netns: &Netns,
    question: impl FnOnce(&mut Rtnl) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let netns = netns.clone();
    let asked = tokio::task::spawn_blocking(move || question(&mut Rtnl::open(&netns)?));
    asked.await.map_err(io::Error::other)?
}
