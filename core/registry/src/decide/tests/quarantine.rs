//! VNIs that rest.

use super::*;

const REMOVE: Command = Command::RemoveNetwork { id: NetworkId::from_random(1) };
const TORN_DOWN: Command = Command::TornDown { network: NetworkId::from_random(1) };

/// Network 1, of which nodes 1 and 2 have blocks, was removed; its VNI.
fn removed() -> (World, Vni) {
    let mut world = World::founded();
    world.join(2, Role::Worker);
    world.join(3, Role::Worker);
    let vni = world.network(named(1, "shop")).vni;
    world.claim(1, 1);
    world.claim(2, 1);
    world.ask(1, &REMOVE).unwrap();
    (world, vni)
}

fn with_vni(id: u128, vni: Vni) -> Command {
    Command::CreateNetwork(NetworkRequest { vni: Some(vni), ..request(id) })
}

#[test]
fn a_vni_is_no_other_networks_until_every_node_with_a_block_has_torn_the_old_one_down() {
    let (mut world, vni) = removed();
    let resting = |by: &[&str]| {
        let by = by.iter().map(ToString::to_string).collect();
        Err(Refused::VniResting { vni, network: "shop".into(), by })
    };
    assert_eq!(world.ask(1, &with_vni(2, vni)), resting(&["node1", "node2"]));
    assert_eq!(world.ask(1, &TORN_DOWN), Ok(Outcome::Done));
    assert_eq!(world.ask(3, &TORN_DOWN), Ok(Outcome::Done));
    assert_eq!(world.ask(1, &with_vni(2, vni)), resting(&["node2"]));
    assert_eq!(world.ask(2, &TORN_DOWN), Ok(Outcome::Done));
    assert_eq!(world.ask(1, &with_vni(2, vni)).map(|_network| ()), Ok(()));
    assert_eq!(world.ask(2, &TORN_DOWN), Ok(Outcome::Done));
}

#[test]
fn a_node_that_is_removed_is_not_waited_for() {
    let (mut world, vni) = removed();
    world.ask(1, &TORN_DOWN).unwrap();
    world.ask(1, &Command::RemoveNode { id: node_id(2), force: true }).unwrap();
    assert_eq!(world.view.quarantine(vni), None);
    assert_eq!(world.ask(1, &with_vni(2, vni)).map(|_network| ()), Ok(()));
}

#[test]
fn a_random_vni_that_rests_is_passed_over() {
    let (mut world, vni) = removed();
    world.random = u128::from(vni.number() - Vni::MIN) << 96;
    assert_eq!(world.network(request(2)).vni.number(), vni.number() + 1);
}

#[test]
fn the_vni_of_a_network_without_blocks_is_free_at_once() {
    let mut world = World::founded();
    let vni = world.network(request(1)).vni;
    world.ask(1, &REMOVE).unwrap();
    assert_eq!(world.view.quarantines().count(), 0);
    assert_eq!(world.ask(1, &with_vni(2, vni)).map(|_network| ()), Ok(()));
}
