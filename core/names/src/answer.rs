//! Question and asker to answer.

use std::collections::BTreeSet;
use std::net::IpAddr;

use weft_model::Name;

use crate::{Asker, Kind, Question, Zone, Zones, parse_reverse};

/// What is to be said to the asker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All of them, in order; the caller shuffles.
    Addresses(Vec<IpAddr>),
    /// The full name of an address: `web.app`.
    Pointer(Name),
    /// The name is ours, but has nothing of this kind (NOERROR without records).
    Empty,
    /// Ours, and known not to be there (NXDOMAIN): an unused address of the asker's network.
    Nonexistent,
    /// Not ours: the asker's own resolver knows better.
    Forward,
    /// Not ours, and none of the asker's networks has a way out.
    Refuse,
}

/// Answers `question` from the networks that `asker` is on, and from nothing else.
///
/// `web` is looked up in all of them, `web.app` in `app` alone. A name that `app` does not have
/// is forwarded even if it ends with `.app`: people name networks after top-level domains.
#[must_use]
pub fn answer(zones: &Zones, asker: &Asker, question: &Question) -> Answer {
    reverse(zones, asker, question)
        .or_else(|| forward(zones, asker, question))
        .unwrap_or_else(|| elsewhere(zones, asker))
}

/// Names in `in-addr.arpa` and `ip6.arpa` of addresses in the asker's ranges.
fn reverse(zones: &Zones, asker: &Asker, question: &Question) -> Option<Answer> {
    let address = parse_reverse(&question.name)?;
    let pointer = zones.of(asker).find_map(|zone| zone.pointer(address));
    let covered = || zones.of(asker).any(|zone| zone.covers(address));
    match (pointer, question.kind) {
        (Some(name), Kind::Ptr) => Some(Answer::Pointer(name)),
        (Some(_), Kind::A | Kind::Aaaa | Kind::Other) => Some(Answer::Empty),
        (None, _) => covered().then_some(Answer::Nonexistent),
    }
}

/// Names of containers.
fn forward(zones: &Zones, asker: &Asker, question: &Question) -> Option<Answer> {
    let text = question.name.strip_suffix('.').unwrap_or(&question.name);
    let name: Name = text.parse().ok()?;
    let mut found = zones.of(asker).filter_map(|zone| zone.addresses(&name)).peekable();
    found.peek()?;
    let addresses: BTreeSet<IpAddr> = found.flatten().collect();
    Some(of_kind(&addresses, question.kind))
}

fn of_kind(addresses: &BTreeSet<IpAddr>, kind: Kind) -> Answer {
    let wanted = |address: &&IpAddr| match kind {
        Kind::A => address.is_ipv4(),
        Kind::Aaaa => address.is_ipv6(),
        Kind::Ptr | Kind::Other => false,
    };
    let matching: Vec<IpAddr> = addresses.iter().filter(wanted).copied().collect();
    if matching.is_empty() { Answer::Empty } else { Answer::Addresses(matching) }
}

/// A network whose zone is not known yet counts as internal: better no answer than a leak.
fn elsewhere(zones: &Zones, asker: &Asker) -> Answer {
    let open = |zone: &Zone| !zone.internal;
    let outside = asker.networks.is_empty() || zones.of(asker).any(open);
    if outside { Answer::Forward } else { Answer::Refuse }
}
