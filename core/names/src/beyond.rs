//! Which questions may go straight to a server beyond, past the asker's own resolver.
//!
//! Docker's resolver adds to such a server what it knows of the container itself. Where that is
//! nothing, it only hands the question on, from the same network namespace to the same server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use weft_model::Name;

use crate::{Asker, Question, Zones, parse_reverse};

/// What newer Engines write into a container's `resolv.conf` about their resolver's servers.
const COMMENT: &str = "# ExtServers:";
/// Docker's resolver asks no more servers than these.
const MOST: usize = 3;
const PORT: u16 = 53;

/// How a container that runs is set up, as Docker tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// It is on a network, and all its networks are ours.
    pub ours_alone: bool,
    /// It has names of its own for others (`--link`), which only Docker's resolver knows.
    pub linked: bool,
    /// What the user named with `--dns`, in order.
    pub dns: Vec<String>,
    /// The `resolv.conf` that Docker wrote for it; empty if that cannot be read.
    pub resolv_conf: String,
}

/// The servers that Docker's resolver asks for this container, in its order; none if that is not
/// certain, if it knows more than they do, or if it reaches them in another way than the container.
///
/// Before Engine 25 nothing but `--dns` tells it: `resolv.conf` on the host may have changed since.
#[must_use]
pub fn servers_beyond(setup: &Setup) -> Vec<SocketAddr> {
    if !setup.ours_alone || setup.linked {
        return Vec::new();
    }
    let noted = noted(&setup.resolv_conf);
    let entries = noted.unwrap_or_else(|| setup.dns.iter().map(String::as_str).collect());
    let servers: Option<Vec<SocketAddr>> = entries.into_iter().take(MOST).map(server).collect();
    servers.unwrap_or_default()
}

/// The entries of the comment, if there is one.
fn noted(resolv_conf: &str) -> Option<Vec<&str>> {
    let list = resolv_conf.lines().find_map(|line| line.strip_prefix(COMMENT))?.trim();
    let list = list.strip_prefix('[')?.strip_suffix(']')?;
    Some(list.split_whitespace().collect())
}

/// Not `host(1.2.3.4)`, which is asked from the host; not IPv6, which old Engines leave to the
/// container itself and new ones to the host where the container has none; not a loopback address.
fn server(entry: &str) -> Option<SocketAddr> {
    let address: Ipv4Addr = entry.parse().ok()?;
    let plain = !address.is_loopback() && !address.is_unspecified() && !address.is_multicast();
    plain.then_some(SocketAddr::new(IpAddr::V4(address), PORT))
}

/// Whether nobody but a server beyond can know this name, which is not ours.
///
/// A bare label, and a name in a network of the asker, may be a container's of which Docker knows a
/// moment before we do; a bare label may also be one that Docker does not ask outside (`ndots`).
#[must_use]
pub fn is_beyond(zones: &Zones, asker: &Asker, question: &Question) -> bool {
    if asker.beyond.is_empty() {
        return false;
    }
    if parse_reverse(&question.name).is_some() {
        return true;
    }
    let text = question.name.strip_suffix('.').unwrap_or(&question.name);
    let Ok(name) = text.parse::<Name>() else { return false };
    name.as_str().contains('.') && !zones.of(asker).any(|zone| zone.has_inside(&name))
}
