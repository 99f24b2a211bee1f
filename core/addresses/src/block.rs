//! Which part of a network's subnet a node gets next.

use std::net::IpAddr;

use ipnet::IpNet;
use weft_model::Subnet;

use crate::span::{addresses, first_gap};

/// log2 of the first block's size: 8 addresses, a /29 of IPv4.
const FIRST_BITS: u8 = 3;
/// log2 of the largest block's size: 64 addresses, a /26 of IPv4.
const MOST_BITS: u8 = 6;
/// log2 of the share of the subnet that one block may be: a quarter.
const SHARE_BITS: u8 = 2;

/// Chooses a free block of `subnet` for a node that has the blocks `own` already.
///
/// The first has 8 addresses, each further one as many as the node has, at most 64 and at most a
/// quarter of the subnet: few nodes get large blocks, many nodes still get some each. If no
/// block of that size is free, a smaller one is taken. Each holds an address that may be leased.
#[must_use]
pub fn next_block(subnet: &Subnet, taken: &[IpNet], own: &[IpNet]) -> Option<IpNet> {
    let width = subnet.range.max_prefix_len();
    let held: u128 = own.iter().map(|net| 1_u128 << bits_of(*net).min(MOST_BITS)).sum();
    let doubled = held.checked_ilog2().and_then(|bits| u8::try_from(bits).ok()).unwrap_or(0);
    let wanted = doubled.clamp(FIRST_BITS, MOST_BITS).min(most_bits(subnet));
    let usable = |range: &IpNet| addresses(*range).any(|address| subnet.is_assignable(address));
    (0..=wanted).rev().find_map(|bits| first_gap(subnet.range, width - bits, taken, usable))
}

/// Chooses the block around a wanted `address`: 8 addresses, or fewer if some of those are taken.
///
/// None if the address may not be leased or is in a taken block.
#[must_use]
pub fn block_holding(subnet: &Subnet, taken: &[IpNet], address: IpAddr) -> Option<IpNet> {
    if !subnet.is_assignable(address) {
        return None;
    }
    let width = subnet.range.max_prefix_len();
    let around = |bits: u8| IpNet::new(address, width - bits).ok().map(|net| net.trunc());
    let free = |range: &IpNet| !taken.iter().any(|net| net.contains(range) || range.contains(net));
    (0..=FIRST_BITS.min(most_bits(subnet))).rev().filter_map(around).find(free)
}

/// What is left of a block without one of its addresses: the fewest ranges, the largest first.
///
/// The whole block if the address is none of it.
#[must_use]
pub fn without(block: IpNet, address: IpAddr) -> Vec<IpNet> {
    let mut rest = Vec::new();
    let mut holder = block;
    while let Ok(halves) = holder.subnets(holder.prefix_len().saturating_add(1)) {
        let (with, others): (Vec<_>, Vec<_>) = halves.partition(|half| half.contains(&address));
        rest.extend(others);
        let Some(half) = with.first() else { break };
        holder = *half;
    }
    if holder.contains(&address) { rest } else { vec![block] }
}

fn bits_of(range: IpNet) -> u8 {
    range.max_prefix_len() - range.prefix_len()
}

fn most_bits(subnet: &Subnet) -> u8 {
    bits_of(subnet.range).saturating_sub(SHARE_BITS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn subnet(range: &str) -> Subnet {
        Subnet::new(range.parse().unwrap(), None, BTreeSet::new()).unwrap()
    }

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[track_caller]
    fn check(range: &str, taken: &[&str], own: &[&str], expected: Option<&str>) {
        let found = next_block(&subnet(range), &nets(taken), &nets(own));
        assert_eq!(found.map(|net| net.to_string()).as_deref(), expected);
    }

    #[test]
    fn the_first_block_is_small_and_further_ones_double_what_is_there() {
        check("10.7.0.0/16", &[], &[], Some("10.7.0.0/29"));
        let mut own: Vec<IpNet> = Vec::new();
        for prefix in [29, 29, 28, 27, 26, 26] {
            let block = next_block(&subnet("10.7.0.0/16"), &own, &own).unwrap();
            assert_eq!(block.prefix_len(), prefix, "{own:?}");
            own.push(block);
        }
    }

    #[test]
    fn a_block_is_at_most_a_quarter_of_the_subnet() {
        check("10.7.0.0/28", &[], &[], Some("10.7.0.0/30"));
        check("10.7.0.0/27", &["10.7.0.0/29"], &["10.7.0.0/29"], Some("10.7.0.8/29"));
    }

    #[test]
    fn a_smaller_block_is_taken_where_no_other_is_free() {
        check("10.7.0.0/28", &["10.7.0.0/29", "10.7.0.10/31"], &[], Some("10.7.0.12/30"));
        check(
            "10.7.0.0/28",
            &["10.7.0.0/29", "10.7.0.8/30", "10.7.0.12/32"],
            &[],
            Some("10.7.0.14/31"),
        );
    }

    #[test]
    fn a_block_of_special_addresses_only_is_never_chosen() {
        check("10.7.0.0/29", &[], &[], Some("10.7.0.2/31"));
        check("10.7.0.0/29", &["10.7.0.2/31", "10.7.0.4/31", "10.7.0.6/32"], &[], None);
    }

    #[test]
    fn a_wanted_address_comes_with_as_much_around_it_as_is_free() {
        let holding = |taken: &[&str], address: &str| {
            block_holding(&subnet("10.7.0.0/24"), &nets(taken), address.parse().unwrap())
                .map(|net| net.to_string())
        };
        assert_eq!(holding(&[], "10.7.0.77").as_deref(), Some("10.7.0.72/29"));
        assert_eq!(holding(&["10.7.0.72/30"], "10.7.0.77").as_deref(), Some("10.7.0.76/30"));
        assert_eq!(holding(&["10.7.0.76/32"], "10.7.0.77").as_deref(), Some("10.7.0.77/32"));
        assert_eq!(holding(&["10.7.0.64/26"], "10.7.0.77"), None);
        assert_eq!(holding(&[], "10.7.0.1"), None);
    }

    #[test]
    fn a_block_without_an_address_is_the_fewest_ranges() {
        let left = |block: &str, address: &str| {
            let left = without(block.parse().unwrap(), address.parse().unwrap());
            left.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            left("10.7.0.48/29", "10.7.0.50"),
            ["10.7.0.52/30", "10.7.0.48/31", "10.7.0.51/32"]
        );
        assert!(left("10.7.0.50/32", "10.7.0.50").is_empty());
        assert_eq!(left("10.7.0.48/29", "10.7.0.56"), ["10.7.0.48/29"]);
        assert_eq!(left("fd00::/127", "fd00::1"), ["fd00::/128"]);
    }

    #[test]
    fn thirty_nodes_share_a_24() {
        let subnet = subnet("10.7.0.0/24");
        let mut taken = Vec::new();
        for node in 0..30 {
            let block = next_block(&subnet, &taken, &[]);
            taken.push(block.unwrap_or_else(|| panic!("nothing is left for node {node}")));
        }
    }

    #[test]
    fn a_large_ipv6_subnet_is_searched_at_once() {
        check("fd00::/64", &["fd00::/125"], &[], Some("fd00::8/125"));
    }
}
