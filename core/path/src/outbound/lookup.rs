//! First hop: a name becomes an overlay address.
//!
//! The kernel has no part in it: Weft's resolver answers from [`zones`], inside the container.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use weft_model::NetworkId;
use weft_names::{Answer, Asker, Kind, Question, Zone, Zones, answer};

use crate::{Facts, Located, Reason};

/// What was found, and what the walk goes on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// All addresses of the name; of an address: itself.
    pub found: Vec<IpAddr>,
    /// The one that the packet is sent to.
    pub address: IpAddr,
}

/// The names of all networks: those of endpoints on hosts that are up. Addresses of what has ended
/// are told as such: another resolver may know a name for them yet.
#[must_use]
pub fn zones(facts: &Facts) -> Zones {
    facts.networks.keys().filter_map(|id| zone(facts, *id, |row| row.visible)).collect()
}

fn zone(facts: &Facts, id: NetworkId, counts: impl Fn(&Located) -> bool) -> Option<Zone> {
    let mut zone = Zone::new(facts.networks.get(&id)?);
    facts.endpoints_of(id).filter(|row| counts(row)).for_each(|row| zone.add(&row.endpoint));
    zone.ended = facts.ended.get(&id).cloned().unwrap_or_default();
    Some(zone)
}

/// Asks for `to`, a name or an address, as the endpoint `from` would.
///
/// # Errors
///
/// [`Reason::NoSuchName`], or [`Reason::NoHealthyBackend`] if only hosts that are down have it.
pub fn lookup(facts: &Facts, from: &Located, to: &str) -> Result<Lookup, Reason> {
    if let Ok(address) = to.parse() {
        return Ok(Lookup { found: vec![address], address });
    }
    let ask = |counts: fn(&Located) -> bool| {
        let zones = zone(facts, from.network, counts).into_iter().collect();
        ask(&zones, from, to)
    };
    let found = ask(|row| row.visible);
    let family = |address: &&IpAddr| speaks(from, **address);
    let address = found.iter().find(family).or_else(|| found.first()).copied();
    let why_not = || match ask(|_row| true).is_empty() {
        true => Reason::NoSuchName,
        false => Reason::NoHealthyBackend,
    };
    address.map(|address| Lookup { found, address }).ok_or_else(why_not)
}

fn ask(zones: &Zones, from: &Located, name: &str) -> Vec<IpAddr> {
    let asker = Asker { networks: BTreeSet::from([from.network]), ..Asker::default() };
    let of_kind = |kind| match answer(zones, &asker, &Question { name: name.to_owned(), kind }) {
        Answer::Addresses(all) => all,
        Answer::Pointer(_)
        | Answer::Empty
        | Answer::Nonexistent
        | Answer::Forward
        | Answer::Refuse => Vec::new(),
    };
    [Kind::A, Kind::Aaaa].into_iter().flat_map(of_kind).collect()
}

/// Whether an endpoint has an address of the family of `to`.
fn speaks(from: &Located, to: IpAddr) -> bool {
    from.endpoint.addresses.iter().any(|own| own.is_ipv4() == to.is_ipv4())
}
