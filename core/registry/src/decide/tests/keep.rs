//! A registry that moves.

use super::*;

#[test]
fn on_its_way_nothing_is_changed_and_it_may_stay_after_all() {
    let mut world = World::founded();
    world.join(2, Role::Worker);
    assert_eq!(world.ask(1, &Command::Keep(Keeping::Moving)), Ok(Outcome::Done));
    assert_eq!(world.ask(1, &Command::Keep(Keeping::Moving)), Ok(Outcome::Done));
    assert_eq!(world.ask(1, &create(1)), Err(Refused::Moving));
    assert_eq!(world.ask(1, &Command::Keep(Keeping::Managers)), Ok(Outcome::Done));
    assert!(world.ask(1, &create(1)).is_ok());
}

#[test]
fn what_was_decided_before_it_left_is_not_committed_behind_it() {
    let mut world = World::founded();
    world.join(2, Role::Worker);
    let commands = [
        create(1),
        Command::PutNode(node(3, Role::Worker)),
        Command::SetRole { id: node_id(2), role: Role::Manager },
        Command::SetToken(token()),
    ];
    let late: Vec<Decision> = commands.iter().map(|c| world.decide(1, c).unwrap()).collect();
    let still_here = world.view.unchanged(&Key::Cluster);
    for decision in late {
        assert!(decision.txn.conditions.contains(&still_here), "{decision:?}");
    }
    world.ask(1, &Command::Keep(Keeping::Moving)).unwrap();
    assert_ne!(world.view.unchanged(&Key::Cluster), still_here, "none of them holds any more");
}

#[test]
fn only_a_copy_says_that_an_etcd_keeps_it() {
    let mut world = World::founded();
    world.join(2, Role::Worker);
    let refused = world.ask(1, &Command::Keep(Keeping::Etcd));
    assert_eq!(refused, Err(Refused::KeptByEtcd));
    let refused = world.ask(2, &Command::Keep(Keeping::Moving));
    assert!(matches!(refused, Err(Refused::NotAllowed { .. })), "{refused:?}");
    let before = world.view.to_snapshot();
    let copy = crate::with_keeping(&before, Keeping::Etcd).unwrap();
    let view = View::from_snapshot(&copy).unwrap();
    assert_eq!(view.cluster().unwrap().keeping, Keeping::Etcd);
    assert_eq!((view.nodes(), view.revision()), (world.view.nodes(), before.revision));
    assert_eq!(copy.entries.len(), before.entries.len());
}
