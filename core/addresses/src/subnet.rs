//! Which subnet a new network gets when nobody asked for a certain one.

use ipnet::IpNet;

use crate::span::first_gap;

/// What an IPv6 network gets: the size that RFC 4291 §2.5.1 gives to every link.
const IPV6_PREFIX: u8 = 64;

/// Chooses the first subnet of length `prefix` in the pools that overlaps nothing known.
///
/// `taken` are the subnets of networks and the host's own routes, `skip` what was offered before and
/// not wanted. A pool smaller than `prefix` is offered whole. IPv6 pools are divided into /64.
#[must_use]
pub fn next_subnet(pools: &[IpNet], prefix: u8, taken: &[IpNet], skip: &[IpNet]) -> Option<IpNet> {
    let avoided = [taken, skip].concat();
    let avoided: Vec<IpNet> = avoided.into_iter().filter(|net| net.prefix_len() > 0).collect();
    pools.iter().find_map(|pool| {
        let wanted = if pool.addr().is_ipv4() { prefix.min(32) } else { IPV6_PREFIX };
        first_gap(*pool, wanted.max(pool.prefix_len()), &avoided, |_| true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pools: &[&str], prefix: u8, taken: &[&str], expected: Option<&str>) {
        let nets = |texts: &[&str]| -> Vec<IpNet> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let found = next_subnet(&nets(pools), prefix, &nets(taken), &[]);
        assert_eq!(found.map(|net| net.to_string()).as_deref(), expected);
    }

    #[test]
    fn the_first_free_one_is_chosen() {
        check(&["10.64.0.0/16"], 24, &[], Some("10.64.0.0/24"));
        check(&["10.64.0.0/16"], 24, &["10.64.0.0/24", "10.64.2.0/24"], Some("10.64.1.0/24"));
    }

    #[test]
    fn whatever_overlaps_is_avoided_be_it_larger_or_smaller() {
        check(&["10.64.0.0/16"], 24, &["10.64.0.0/17", "10.64.128.7/32"], Some("10.64.129.0/24"));
    }

    #[test]
    fn the_next_pool_follows_when_one_is_used_up() {
        check(&["10.0.0.0/24", "10.9.0.0/16"], 24, &["10.0.0.0/8"], None);
        check(&["10.0.0.0/24", "192.168.0.0/16"], 24, &["10.0.0.0/8"], Some("192.168.0.0/24"));
    }

    #[test]
    fn a_default_route_forbids_nothing() {
        check(&["10.64.0.0/16"], 24, &["0.0.0.0/0"], Some("10.64.0.0/24"));
    }

    #[test]
    fn the_last_addresses_of_a_family_are_no_trap() {
        check(&["255.255.255.0/24"], 25, &["255.255.255.128/25"], Some("255.255.255.0/25"));
        check(&["255.255.255.0/24"], 25, &["255.255.255.0/24"], None);
        check(&["ffff::/16"], 24, &["ffff::/16"], None);
    }

    #[test]
    fn ipv6_networks_get_a_64() {
        check(&["fd00::/48"], 24, &["fd00::/64"], Some("fd00:0:0:1::/64"));
    }

    #[test]
    fn what_was_offered_before_is_skipped() {
        let pools: [IpNet; 1] = ["10.64.0.0/16".parse().unwrap()];
        let offered: [IpNet; 1] = ["10.64.0.0/24".parse().unwrap()];
        let next = next_subnet(&pools, 24, &[], &offered).unwrap();
        assert_eq!(next.to_string(), "10.64.1.0/24");
    }
}
