use super::*;

const REST: Duration = Duration::from_secs(60);

#[test]
fn addresses_are_leased_in_order_and_special_ones_never() {
    let (mut lessor, now) = lessor(&["10.7.0.0/29"]);
    let leased: Vec<_> = (0..6).map(|_| lessor.lease(now).unwrap().to_string()).collect();
    assert_eq!(leased, ["10.7.0.2", "10.7.0.3", "10.7.0.4", "10.7.0.5", "10.7.0.6", "10.7.0.7"]);
    assert_eq!(lessor.lease(now), Err(NoAddress::AllLeased));
    assert_eq!(NoAddress::AllLeased.until(), None);
}

#[test]
fn without_a_block_nothing_is_leased() {
    let (mut lessor, now) = lessor(&[]);
    assert_eq!(lessor.lease(now), Err(NoAddress::NoBlock));
    assert!(lessor.wants_block());
}

#[test]
fn a_released_address_rests_and_comes_last() {
    let (mut lessor, now) = lessor(&["10.7.0.4/30"]);
    let [a, b] = [lessor.lease(now).unwrap(), lessor.lease(now).unwrap()];
    lessor.release(now, b);
    lessor.release(now + Duration::from_secs(1), a);
    lessor.lease(now).unwrap();
    lessor.lease(now).unwrap();
    let none = lessor.lease(now).unwrap_err();
    assert_eq!(none, NoAddress::AllResting { until: now + REST });
    assert_eq!(none.until(), Some(now + REST));
    assert_eq!(lessor.lease(now + REST), Ok(b));
    assert_eq!(lessor.lease(now + REST * 2), Ok(a));
}

#[test]
fn a_certain_address_is_leased_unless_there_is_a_reason() {
    let (mut lessor, now) = lessor(&["10.7.0.0/29"]);
    let six = ip("10.7.0.6");
    assert_eq!(lessor.lease_exact(now, six), Ok(()));
    assert_eq!(lessor.lease_exact(now, six), Err(NotLeasable::Leased(six)));
    lessor.release(now, six);
    let resting = NotLeasable::Resting { address: six, until: now + REST };
    assert_eq!(lessor.lease_exact(now, six), Err(resting));
    assert_eq!(lessor.lease_exact(now + REST, six), Ok(()));
    let outside = ip("10.7.0.9");
    assert_eq!(lessor.lease_exact(now, outside), Err(NotLeasable::NotInBlocks(outside)));
    let gateway = ip("10.7.0.1");
    assert_eq!(lessor.lease_exact(now, gateway), Err(NotLeasable::NotAssignable(gateway)));
}

#[test]
fn what_the_durable_record_holds_survives_a_restart_in_any_order() {
    for blocks_first in [false, true] {
        let (mut lessor, now) = lessor(&[]);
        if blocks_first {
            lessor.add_block(net("10.7.0.0/29"));
        }
        lessor.restore(ip("10.7.0.2"));
        lessor.restore(ip("10.7.0.2"));
        lessor.rest_again(now, ip("10.7.0.3"));
        lessor.add_block(net("10.7.0.0/29"));
        assert_eq!(lessor.lease(now), Ok(ip("10.7.0.4")));
        assert!(lessor.is_leased(ip("10.7.0.2")));
        assert!(!lessor.is_leased(ip("10.7.0.3")));
    }
}

#[test]
fn another_block_is_wanted_at_three_quarters() {
    let (mut lessor, now) = lessor(&["10.7.0.8/29"]);
    let wants: Vec<bool> = (0..6)
        .map(|_| {
            lessor.lease(now).unwrap();
            lessor.wants_block()
        })
        .collect();
    assert_eq!(wants, [false, false, false, false, false, true]);
}

#[test]
fn a_block_in_use_is_not_removed() {
    let (mut lessor, now) = lessor(&["10.7.0.8/29"]);
    let address = lessor.lease(now).unwrap();
    let range = net("10.7.0.8/29");
    assert_eq!(lessor.remove_block(range), Err(BlockInUse { range, address }));
    lessor.release(now, address);
    assert_eq!(lessor.idle_blocks(now), []);
    assert_eq!(lessor.idle_blocks(now + REST), [range]);
    assert_eq!(lessor.remove_block(range), Ok(()));
    assert_eq!(lessor.lease(now + REST), Err(NoAddress::NoBlock));
}

#[test]
fn a_block_in_use_is_replaced_by_its_parts() {
    let (mut lessor, now) = lessor(&["10.7.0.8/29"]);
    lessor.lease_exact(now, ip("10.7.0.9")).unwrap();
    lessor.lease_exact(now, ip("10.7.0.10")).unwrap();
    for part in crate::without(net("10.7.0.8/29"), ip("10.7.0.10")) {
        lessor.add_block(part);
    }
    assert!(lessor.remove_block(net("10.7.0.8/29")).is_err(), "10.7.0.10 is leased still");
    lessor.release(now, ip("10.7.0.10"));
    lessor.remove_block(net("10.7.0.8/29")).unwrap();
    assert!(lessor.is_leased(ip("10.7.0.9")));
    let later = now + REST * 2;
    let others: Vec<IpAddr> = std::iter::from_fn(|| lessor.lease(later).ok()).collect();
    assert_eq!(others.len(), 6, "{others:?}");
    assert!(!others.contains(&ip("10.7.0.10")), "{others:?}");
}

#[test]
fn an_idle_block_stays_as_long_as_it_would_be_wanted_again() {
    let (mut lessor, now) = lessor(&["10.7.0.8/29", "10.7.0.16/29"]);
    let leases: Vec<_> = (0..5).map(|_| lessor.lease(now).unwrap()).collect();
    let idle = lessor.idle_blocks(now);
    assert_eq!(idle, [], "{leases:?}");
    let (first, others) = leases.split_first().unwrap();
    others.iter().for_each(|address| lessor.release(now, *address));
    assert_eq!(lessor.idle_blocks(now + REST).len(), 1);
    lessor.release(now, *first);
    assert_eq!(lessor.idle_blocks(now + REST).len(), 2);
}

fn lessor(blocks: &[&str]) -> (Lessor, Instant) {
    let subnet = Subnet::new(net("10.7.0.0/24"), None, BTreeSet::new()).unwrap();
    let mut lessor = Lessor::new(subnet, REST);
    blocks.iter().for_each(|block| lessor.add_block(net(block)));
    (lessor, start())
}

#[expect(clippy::disallowed_methods, reason = "some instant is needed, any will do")]
fn start() -> Instant {
    Instant::now()
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}
