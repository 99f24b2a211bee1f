//! Nodes with another address.

use super::*;

fn moved(id: u128, host: u8) -> Node {
    let address = [192, 0, 2, host];
    Node { vtep: Vtep(address.into()), control: (address, 4790).into(), ..node(id, Role::Worker) }
}

#[test]
fn a_node_says_that_its_address_has_changed_and_nobody_else_does() {
    let mut world = World::founded();
    world.join(2, Role::Worker);
    let by_manager = world.ask(1, &Command::PutNode(moved(2, 9)));
    assert!(matches!(by_manager, Err(Refused::NotAllowed { .. })), "{by_manager:?}");
    assert_eq!(world.ask(2, &Command::PutNode(moved(2, 9))), Ok(Outcome::Done));
    assert_eq!(world.view.node(node_id(2)), Some(&moved(2, 9)));
}

#[test]
fn a_node_does_not_take_anothers_address() {
    let mut world = World::founded();
    world.join(2, Role::Worker);
    world.ask(2, &Command::PutNode(moved(2, 9))).unwrap();
    let refused = world.ask(2, &Command::PutNode(moved(2, 1)));
    let address = IpAddr::from([192, 0, 2, 1]);
    assert_eq!(refused, Err(Refused::HostAddressTaken { address, node: name("node1") }));
}
