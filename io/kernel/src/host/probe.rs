//! Probes of the way to another host: datagrams to its VXLAN port that must not be fragmented,
//! and the ear at its interface that hears them before any rule does.
//!
//! A probe is a VXLAN packet of network 0, which nobody has, with a nonce in the place of the
//! inner frame: whatever swallows VXLAN on the way swallows it too, and no container sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::Instant;

use nix::libc;
use weft_plan::IfName;

use crate::Netns;
use crate::capture::{Capture, tunnel};

/// Tells the probes of one examination from those of others.
pub type Nonce = [u8; 16];

/// The network of probes.
const NOBODYS: u32 = 0;
/// A VXLAN header (RFC 7348 §5) of it.
const HEADER: [u8; 8] = [8, 0, 0, 0, 0, 0, 0, 0];
/// The length of an Ethernet header.
const ETHERNET: usize = 14;
/// Each size is sent so often: one lost packet is no finding.
const TIMES: usize = 2;

/// Hears probes at an interface.
#[derive(Debug)]
pub struct Ear {
    capture: Capture,
}

impl Ear {
    /// Begins to listen on an interface of the calling thread's namespace.
    ///
    /// # Errors
    ///
    /// If there is no such interface, or the right is missing.
    pub fn open(device: &IfName, port: u16) -> io::Result<Self> {
        let capture = Capture::open(&Netns::current()?, device.as_str())?;
        // So that the ear costs nothing for the tunnel's other packets.
        capture.keep_only(&tunnel::of_network(port, NOBODYS, None))?;
        Ok(Self { capture })
    }

    /// The sizes of the probes with this nonce, as IP packets; blocks until all of `awaited` have
    /// come, or the deadline.
    pub fn heard(
        &mut self,
        nonce: Nonce,
        awaited: &BTreeSet<u16>,
        deadline: Instant,
    ) -> BTreeSet<u16> {
        let awaited = BTreeMap::from([(nonce, awaited.clone())]);
        self.heard_of(&awaited, deadline).remove(&nonce).unwrap_or_default()
    }

    /// As [`heard`](Self::heard), of several senders.
    pub fn heard_of(
        &mut self,
        awaited: &BTreeMap<Nonce, BTreeSet<u16>>,
        deadline: Instant,
    ) -> BTreeMap<Nonce, BTreeSet<u16>> {
        let mut heard: BTreeMap<Nonce, BTreeSet<u16>> = BTreeMap::new();
        let lacks = |heard: &BTreeMap<Nonce, BTreeSet<u16>>| {
            awaited.iter().any(|(nonce, sizes)| {
                heard.get(nonce).is_none_or(|heard| !heard.is_superset(sizes))
            })
        };
        while lacks(&heard) {
            let Some(frame) = self.capture.next(deadline) else { break };
            let known = |bytes: &&[u8]| awaited.keys().any(|nonce| *bytes == nonce);
            let found = frame.windows(size_of::<Nonce>()).take(128).find(known);
            let Some(nonce) = found.and_then(|bytes| Nonce::try_from(bytes).ok()) else { continue };
            let size = u16::try_from(frame.len().saturating_sub(ETHERNET));
            heard.entry(nonce).or_default().extend(size);
        }
        heard
    }
}

/// Sends probes of these sizes as IP packets, and says which the kernel took.
///
/// # Errors
///
/// If there is no way to `to`, or the kernel refuses a socket.
pub fn probe(to: SocketAddr, nonce: Nonce, sizes: &BTreeSet<u16>) -> io::Result<BTreeSet<u16>> {
    let any: IpAddr = if to.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() };
    let socket = UdpSocket::bind((any, 0))?;
    never_fragment(&socket, to.ip())?;
    socket.connect(to)?;
    let mut sent = BTreeSet::new();
    for _ in 0..TIMES {
        for size in sizes {
            match socket.send(&packet(*size, to.ip(), nonce)) {
                Ok(_) => sent.extend([*size]),
                Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => {}
                // What an earlier probe met: a port that nobody listens at yet is a way all the same.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    sent.extend(
                        socket.send(&packet(*size, to.ip(), nonce)).is_ok().then_some(*size),
                    );
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(sent)
}

/// The payload that makes an IP packet of `size` bytes.
fn packet(size: u16, to: IpAddr, nonce: Nonce) -> Vec<u8> {
    let outer = if to.is_ipv4() { 20 + 8 } else { 40 + 8 };
    let mut bytes = [HEADER.as_slice(), &nonce].concat();
    bytes.resize(usize::from(size).saturating_sub(outer).max(bytes.len()), 0);
    bytes
}

/// Packets go out as they are or not at all, whatever the kernel believes of the way (ip(7)).
fn never_fragment(socket: &UdpSocket, to: IpAddr) -> io::Result<()> {
    let (level, option) = match to {
        IpAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER),
        IpAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER),
    };
    let value = libc::IP_PMTUDISC_PROBE;
    let length = libc::socklen_t::try_from(size_of_val(&value)).map_err(io::Error::other)?;
    let pointer = std::ptr::from_ref(&value).cast();
    // SAFETY: the pointer is to an int that outlives the call, and the length is an int's.
    #[expect(unsafe_code, reason = "nix has no wrapper for this option")]
    let done = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, pointer, length) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NONCE: Nonce = *b"a nonce of tests";

    #[test]
    fn probes_are_heard_by_their_sizes_and_nothing_else_is() {
        let (netns, sizes) = (Netns::unnamed().unwrap(), BTreeSet::from([100, 576, 1280]));
        let heard = netns.run(|| {
            raise_loopback();
            let mut ear = Ear::open(&IfName::loopback(), 4789).unwrap();
            let to: SocketAddr = "127.0.0.1:4789".parse().unwrap();
            let other: SocketAddr = "127.0.0.1:4790".parse().unwrap();
            probe(other, NONCE, &BTreeSet::from([700])).unwrap();
            probe(to, *b"a nonce of other", &BTreeSet::from([800])).unwrap();
            assert_eq!(probe(to, NONCE, &sizes).unwrap(), sizes);
            ear.heard(NONCE, &sizes, Instant::now() + Duration::from_secs(5))
        });
        assert_eq!(heard.unwrap(), sizes);
    }

    #[test]
    fn what_does_not_fit_the_interface_is_not_sent() {
        let netns = Netns::unnamed().unwrap();
        let sent = netns.run(|| {
            raise_loopback();
            ip(&["link", "set", "lo", "mtu", "1400"]);
            probe("127.0.0.1:4789".parse().unwrap(), NONCE, &BTreeSet::from([1400, 1401])).unwrap()
        });
        assert_eq!(sent.unwrap(), BTreeSet::from([1400]));
    }

    fn raise_loopback() {
        ip(&["link", "set", "lo", "up"]);
    }

    fn ip(arguments: &[&str]) {
        assert!(std::process::Command::new("ip").args(arguments).status().unwrap().success());
    }
}
