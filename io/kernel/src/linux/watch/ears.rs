//! What is listened to: sockets of the host and of each segment, and the directory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use netlink_sys::Socket;
use netlink_sys::protocols::{NETLINK_NETFILTER, NETLINK_ROUTE};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use weft_model::Vni;

use crate::linux::world::names;
use crate::netlink::tc;
use crate::netns::is_namespace;
use crate::{Disturbance, Netns, netlink};

/// `RTNLGRP_*` (linux/rtnetlink.h).
const LINK: u32 = 1;
const NEIGH: u32 = 3;
const TC: u32 = 4;
const IPV4_ADDRESS: u32 = 5;
const IPV6_ADDRESS: u32 = 9;
/// `NFNLGRP_NFTABLES` (linux/netfilter/nfnetlink.h).
const NFTABLES: u32 = 7;
/// What our interfaces in the host's namespace begin with.
const OURS: [&str; 5] = ["wp", "wc", "we", "wx", "weft-"];
/// Our table's name, and that of Docker's chain, as they stand in the packet filter's messages.
const FILTERS: [&[u8]; 2] = [b"weft\0", b"DOCKER-USER\0"];
/// Room for a burst; what is over is noticed as lost.
const RECEIVE_BUFFER: u32 = 1 << 20;

/// Everything that is listened to.
pub(super) struct Ears {
    directory: PathBuf,
    names: Inotify,
    host: Socket,
    firewall: Socket,
    segments: BTreeMap<Vni, Segment>,
    dead: BTreeSet<Vni>,
}

struct Segment {
    inode: u64,
    socket: Socket,
}

impl Ears {
    pub(super) fn open(host: &Netns, directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let names = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        let changes = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVE;
        names.add_watch(&directory, changes)?;
        let mut ears = Self {
            directory,
            names,
            // Neighbours of the host's own are none of Weft's business, and many.
            host: open(host, NETLINK_ROUTE, &[LINK, TC, IPV4_ADDRESS, IPV6_ADDRESS])?,
            firewall: open(host, NETLINK_NETFILTER, &[NFTABLES])?,
            segments: BTreeMap::new(),
            dead: BTreeSet::new(),
        };
        ears.look(&mut BTreeSet::new())?;
        Ok(ears)
    }

    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let sockets = self.segments.values().map(|segment| segment.socket.as_fd());
        [self.names.as_fd(), self.host.as_fd(), self.firewall.as_fd()].into_iter().chain(sockets)
    }

    /// Whether a name leads to no namespace yet.
    pub(super) fn is_unsure(&self) -> bool {
        !self.dead.is_empty()
    }

    /// Takes in all there is.
    pub(super) fn listen(&mut self, heard: &mut BTreeSet<Disturbance>) {
        drain(&self.host, heard, |datagram| is_ours(datagram).then_some(Disturbance::Host));
        drain(&self.firewall, heard, |datagram| {
            let names = |name: &[u8]| datagram.windows(name.len()).any(|window| window == name);
            let ours = FILTERS.into_iter().any(names);
            ours.then_some(Disturbance::Firewall)
        });
        for (&vni, segment) in &self.segments {
            drain(&segment.socket, heard, |_| Some(Disturbance::Segment(vni)));
        }
        while self.names.read_events().is_ok_and(|events| !events.is_empty()) {}
        if let Err(error) = self.look(heard) {
            tracing::debug!(%error, "namespaces cannot be listed");
        }
    }

    /// Compares the directory with what is listened to.
    fn look(&mut self, heard: &mut BTreeSet<Disturbance>) -> io::Result<()> {
        let mut dead = BTreeSet::new();
        let mut alive = BTreeMap::new();
        for (vni, path) in names(&self.directory)? {
            match self.segment(vni, &path) {
                Ok(Some((segment, Fresh::No))) => drop(alive.insert(vni, segment)),
                Ok(Some((segment, Fresh::Yes))) => {
                    // What happened in it before it was listened to is not known.
                    heard.insert(Disturbance::Segment(vni));
                    alive.insert(vni, segment);
                }
                Ok(None) => drop(dead.insert(vni)),
                Err(error) => tracing::debug!(%error, %vni, "a namespace vanished"),
            }
        }
        // Those that are left in the old list are gone.
        let gone = !self.segments.is_empty() || dead != self.dead;
        heard.extend(gone.then_some(Disturbance::Namespaces));
        (self.segments, self.dead) = (alive, dead);
        Ok(())
    }

    fn segment(&mut self, vni: Vni, path: &Path) -> io::Result<Option<(Segment, Fresh)>> {
        if !is_namespace(path)? {
            return Ok(None);
        }
        let inode = fs::metadata(path)?.ino();
        if let Some(known) = self.segments.remove(&vni).filter(|known| known.inode == inode) {
            return Ok(Some((known, Fresh::No)));
        }
        let netns = Netns::open(path)?;
        let socket = open(&netns, NETLINK_ROUTE, &[LINK, NEIGH, TC])?;
        Ok(Some((Segment { inode: netns.inode(), socket }, Fresh::Yes)))
    }
}

enum Fresh {
    Yes,
    No,
}

fn open(netns: &Netns, protocol: isize, groups: &[u32]) -> io::Result<Socket> {
    netns.run(|| {
        let mut socket = Socket::new(protocol)?;
        socket.set_rx_buf_sz(RECEIVE_BUFFER)?;
        socket.bind_auto()?;
        groups.iter().try_for_each(|&group| socket.add_membership(group))?;
        socket.set_non_blocking(true)?;
        Ok(socket)
    })?
}

/// Reads a socket until it is empty.
fn drain(
    socket: &Socket,
    heard: &mut BTreeSet<Disturbance>,
    meaning: impl Fn(&[u8]) -> Option<Disturbance>,
) {
    loop {
        match socket.recv_from_full() {
            Ok((datagram, _kernel)) => heard.extend(meaning(&datagram)),
            Err(error) if error.raw_os_error() == Some(nix::libc::ENOBUFS) => {
                heard.insert(Disturbance::Lost);
            }
            Err(_empty) => return,
        }
    }
}

/// Whether a datagram of the host's is about an interface of ours, an address, or a guard that was
/// taken away.
fn is_ours(datagram: &[u8]) -> bool {
    netlink::messages(datagram).into_iter().any(|message| match message.payload {
        NetlinkPayload::InnerMessage(
            RouteNetlinkMessage::NewLink(link) | RouteNetlinkMessage::DelLink(link),
        ) => concerns_us(&link),
        // What is put there is seen at its interface.
        NetlinkPayload::InnerMessage(
            RouteNetlinkMessage::NewQueueDiscipline(_) | RouteNetlinkMessage::NewTrafficFilter(_),
        ) => false,
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelQueueDiscipline(qdisc)) => {
            tc::is_ingress(&qdisc)
        }
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelTrafficFilter(filter)) => {
            tc::is_ours(&filter)
        }
        NetlinkPayload::InnerMessage(_) => true,
        _ => false,
    })
}

fn concerns_us(link: &LinkMessage) -> bool {
    let ours = link.attributes.iter().any(|attribute| match attribute {
        LinkAttribute::IfName(name) => OURS.iter().any(|prefix| name.starts_with(prefix)),
        _ => false,
    });
    let port = |attribute: &LinkAttribute| matches!(attribute, LinkAttribute::Controller(_));
    // Whatever comes up and is no port is to be guarded, whosesoever it is.
    let comes_in = link.header.flags.contains(LinkFlags::Up) && !link.attributes.iter().any(port);
    ours || comes_in
}
