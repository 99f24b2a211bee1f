//! Programs at a clsact queue discipline, for kernels without TCX. Nothing is pinned: the interface
//! itself keeps its filter, as long as it is there.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::BorrowedFd;

use netlink_packet_route::RouteNetlinkMessage;
use nix::libc;

use crate::netlink::tc::{self, Filter};
use crate::netlink::{Rtnl, link};

/// Somebody else's filter is where Weft's has to be.
#[derive(Debug, thiserror::Error)]
#[error("another filter has priority 1 there, before which nobody comes")]
pub(super) struct Occupied;

/// Weft's filter at an interface, if there is one.
pub(super) fn seen(rtnl: &mut Rtnl, interface: u32) -> io::Result<Option<Filter>> {
    match rtnl.get(tc::filter(interface)) {
        // Without a queue discipline, or where another kind of filter has its place.
        Err(error) if is_missing(&error) => Ok(None),
        told => Ok(Filter::of(told?)),
    }
}

/// Puts a program of this name there, in one step in place of Weft's that stands there.
pub(super) fn put(
    rtnl: &mut Rtnl,
    interface: u32,
    (program, name): (BorrowedFd<'_>, &str),
) -> io::Result<()> {
    let made_qdisc = match rtnl.request(tc::add_qdisc(interface)) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            seen(rtnl, interface)?.is_some_and(|filter| filter.made_qdisc)
        }
        Err(error) => return Err(error),
    };
    let put = rtnl.request(tc::set_filter(interface, program, (name, made_qdisc)));
    match put {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            Err(if is_occupied(rtnl, interface)? { io::Error::other(Occupied) } else { error })
        }
        put => put,
    }
}

/// Takes Weft's filter from an interface, and the queue discipline if it was made for that and
/// nobody else has a filter there.
pub(super) fn take(rtnl: &mut Rtnl, interface: u32) -> io::Result<()> {
    let Some(filter) = seen(rtnl, interface)? else { return Ok(()) };
    unless_missing(rtnl.request(tc::remove_filter(interface)))?;
    if filter.made_qdisc && is_empty(rtnl, interface)? {
        unless_missing(rtnl.request(tc::remove_qdisc(interface)))?;
    }
    Ok(())
}

/// Takes all of Weft's filters from the interfaces of a namespace.
pub(super) fn take_all(rtnl: &mut Rtnl) -> io::Result<()> {
    let all = interfaces(rtnl)?;
    all.into_iter().try_for_each(|interface| take(rtnl, interface))
}

/// Weft's filters in a namespace, by the numbers of the interfaces.
pub(super) fn all(rtnl: &mut Rtnl) -> io::Result<BTreeMap<u32, Filter>> {
    let mut filters = BTreeMap::new();
    for interface in interfaces(rtnl)? {
        filters.extend(seen(rtnl, interface)?.map(|filter| (interface, filter)));
    }
    Ok(filters)
}

/// Whether a namespace has this interface.
pub(super) fn has_interface(rtnl: &mut Rtnl, interface: u32) -> io::Result<bool> {
    match rtnl.get(link::numbered(interface)) {
        Err(error) if is_missing(&error) => Ok(false),
        told => told.map(|_link| true),
    }
}

/// Interfaces at which there may be filters of what comes in.
fn interfaces(rtnl: &mut Rtnl) -> io::Result<Vec<u32>> {
    let qdiscs = rtnl.dump(&tc::qdiscs())?.into_iter();
    let interfaces = qdiscs.filter_map(|qdisc| match qdisc {
        RouteNetlinkMessage::NewQueueDiscipline(qdisc) => {
            tc::is_ingress(&qdisc).then(|| tc::interface(&qdisc))
        }
        _ => None,
    });
    Ok(interfaces.collect())
}

fn is_empty(rtnl: &mut Rtnl, interface: u32) -> io::Result<bool> {
    let directions = [tc::filters_in(interface), tc::filters_out(interface)];
    for direction in directions {
        match rtnl.dump(&direction) {
            Err(error) if is_missing(&error) => {}
            told if told.as_ref().is_ok_and(Vec::is_empty) => {}
            told => return told.map(|_some| false),
        }
    }
    Ok(true)
}

fn is_occupied(rtnl: &mut Rtnl, interface: u32) -> io::Result<bool> {
    let filters = rtnl.dump(&tc::filters_in(interface))?;
    Ok(filters.iter().any(|filter| match filter {
        RouteNetlinkMessage::NewTrafficFilter(filter) => tc::has_first_place(filter),
        _ => false,
    }))
}

fn unless_missing(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if is_missing(&error) => Ok(()),
        done => done,
    }
}

/// What the kernel says when there is no such interface, queue discipline or filter.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINVAL | libc::ENODEV))
}
