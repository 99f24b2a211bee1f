//! Ranges of addresses as numbers, and the search for a gap between them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The address as a number.
pub(crate) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// How many addresses of a range of this prefix length follow its first one.
pub(crate) fn tail(width: u8, prefix: u8) -> u128 {
    match width.saturating_sub(prefix) {
        128.. => u128::MAX,
        free => (1 << free) - 1,
    }
}

/// Every address of a range, in order, the special ones too.
pub(crate) fn addresses(range: IpNet) -> impl Iterator<Item = IpAddr> {
    (number(range.network())..=number(range.broadcast()))
        .filter_map(move |bits| address_like(range, bits))
}

/// The first free range of length `prefix` in `within`, aligned, that overlaps nothing of `taken`
/// and that `accept` takes.
pub(crate) fn first_gap(
    within: IpNet,
    prefix: u8,
    taken: &[IpNet],
    accept: impl Fn(&IpNet) -> bool,
) -> Option<IpNet> {
    let tail = tail(within.max_prefix_len(), prefix);
    let spans = merged(within, taken);
    let last = number(within.broadcast());
    let mut first = number(within.network());
    loop {
        let end = first.checked_add(tail).filter(|end| *end <= last)?;
        let next = spans.partition_point(|(_, end)| *end < first);
        let hit = spans.get(next).filter(|(start, _)| *start <= end);
        let found = IpNet::new(address_like(within, first)?, prefix).ok()?;
        if hit.is_none() && accept(&found) {
            return Some(found);
        }
        let past = hit.map_or(end, |(_, hit)| *hit);
        first = (past | tail).checked_add(1)?;
    }
}

/// The parts of `taken` that are of the same family, ordered and without overlaps.
fn merged(within: IpNet, taken: &[IpNet]) -> Vec<(u128, u128)> {
    let same = taken.iter().filter(|net| net.max_prefix_len() == within.max_prefix_len());
    let mut spans: Vec<_> =
        same.map(|net| (number(net.network()), number(net.broadcast()))).collect();
    spans.sort_unstable();
    spans.dedup_by(|next, before| {
        let overlaps = next.0 <= before.1;
        if overlaps {
            before.1 = before.1.max(next.1);
        }
        overlaps
    });
    spans
}

fn address_like(range: IpNet, bits: u128) -> Option<IpAddr> {
    match range {
        IpNet::V4(_) => u32::try_from(bits).ok().map(|bits| Ipv4Addr::from_bits(bits).into()),
        IpNet::V6(_) => Some(Ipv6Addr::from_bits(bits).into()),
    }
}
