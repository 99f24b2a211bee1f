//! A CA that is replaced.

use super::*;

fn rotate(ca: &str) -> Command {
    let tokens = vec![TokenHash { sha256: "cd".into(), ..token() }];
    Command::RotateCa { ca_pem: ca.into(), tokens }
}

const RETIRE: Command = Command::RetireCa { force: false };

#[test]
fn the_former_ca_is_trusted_until_every_node_has_a_certificate_of_the_new_one() {
    let mut world = World::founded();
    world.join(2, Role::Worker);
    assert_eq!(world.ask(1, &rotate("new")), Ok(Outcome::Done));
    let cluster = world.view.cluster().unwrap();
    assert_eq!((cluster.ca_generation, cluster.former_ca_pem.as_deref()), (1, Some("")));
    assert_eq!(world.view.token(Role::Worker).unwrap().sha256, "cd");
    assert_eq!(world.ask(1, &Command::Certified { generation: 1 }), Ok(Outcome::Done));
    assert_eq!(world.ask(1, &RETIRE), Err(Refused::CaInUse { by: vec!["node2".into()] }));
    assert_eq!(world.ask(2, &Command::Certified { generation: 1 }), Ok(Outcome::Done));
    assert_eq!(world.ask(1, &RETIRE), Ok(Outcome::Done));
    let cluster = world.view.cluster().unwrap();
    assert_eq!((cluster.trusted_pem().as_str(), &cluster.former_ca_pem), ("new", &None));
    assert_eq!(world.ask(1, &RETIRE), Ok(Outcome::Done));
}

#[test]
fn a_node_that_is_removed_is_not_waited_for_and_one_that_is_gone_can_be_shut_out() {
    let mut world = World::founded();
    world.join(2, Role::Worker);
    world.join(3, Role::Worker);
    world.ask(1, &rotate("new")).unwrap();
    world.ask(1, &Command::Certified { generation: 1 }).unwrap();
    world.ask(1, &Command::RemoveNode { id: node_id(2), force: false }).unwrap();
    assert_eq!(world.ask(1, &RETIRE), Err(Refused::CaInUse { by: vec!["node3".into()] }));
    assert_eq!(world.ask(1, &Command::RetireCa { force: true }), Ok(Outcome::Done));
    assert_eq!(world.view.cluster().unwrap().former_ca_pem, None);
}

#[test]
fn one_rotation_ends_before_the_next_one_begins() {
    let mut world = World::founded();
    world.ask(1, &rotate("new")).unwrap();
    assert_eq!(world.ask(1, &rotate("new")), Ok(Outcome::Done));
    assert!(matches!(world.ask(1, &rotate("newer")), Err(Refused::CaRotating { .. })));
    world.ask(1, &Command::Certified { generation: 1 }).unwrap();
    world.ask(1, &RETIRE).unwrap();
    world.ask(1, &rotate("newer")).unwrap();
    assert_eq!(world.view.cluster().unwrap().ca_generation, 2);
    assert_eq!(world.view.uncertified(2).count(), 1);
}

#[test]
fn only_managers_rotate() {
    let mut world = World::founded();
    world.join(2, Role::Worker);
    for command in [rotate("new"), RETIRE] {
        assert!(matches!(world.ask(2, &command), Err(Refused::NotAllowed { .. })));
    }
}

#[test]
fn a_registry_from_before_rotations_can_be_read() {
    let cluster = serde_json::json!({
        "id": "c1", "name": "east", "vxlan_port": 4789, "pools": ["10.64.0.0/16"],
        "subnet_prefix": 24, "address_rest": {"secs": 60, "nanos": 0}, "ca_pem": "old",
    });
    let cluster: Cluster = serde_json::from_value(cluster).unwrap();
    assert_eq!((cluster.trusted_pem().as_str(), cluster.ca_generation), ("old", 0));
    assert_eq!(cluster.certificate_life, crate::CERTIFICATE_LIFE);
}
