//! The machine as its users see it, message by message.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weft_model::{Endpoint, EndpointId, MacAddr, NetworkId, NodeId};

use crate::{
    Event, Members, Message, Presence, Rejected, RowChange, StreamId, Transmit, Whereabouts,
};

const A: NodeId = NodeId::from_random(0xa);
const B: NodeId = NodeId::from_random(0xb);
const C: NodeId = NodeId::from_random(0xc);
const NET: NetworkId = NetworkId::from_random(7);

#[test]
fn a_row_is_at_the_other_participant_after_one_message() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    let sent = drain(&mut a);
    assert!(
        matches!(sent.as_slice(), [Transmit { to: B, message: Message::Delta { .. } }]),
        "{sent:?}"
    );
    deliver(&mut b, now, A, sent);
    assert_eq!(shown(&b), [(A, 1, true)]);
    assert!(events(&mut b).contains(&Event::Changed(NET)));
    a.remove(NET, endpoint(1).id);
    settle(&mut [&mut a, &mut b], now);
    assert_eq!(shown(&b), []);
}

#[test]
fn whoever_does_not_take_part_hears_of_participation_only() {
    let now = crate::test_clock();
    let (mut a, mut c) = (machine(A, 1), machine(C, 1));
    a.put(NET, endpoint(1));
    meet(&mut a, &mut c, now);
    settle(&mut [&mut a, &mut c], now);
    a.put(NET, endpoint(2));
    assert_eq!(drain(&mut a), []);
    assert_eq!((shown(&c), c.participants(NET)), (vec![], BTreeSet::from([A])));
    assert!(!c.heard(NET, A));
    c.join(NET);
    settle(&mut [&mut a, &mut c], now);
    assert_eq!(shown(&c), [(A, 1, true), (A, 2, true)]);
    assert!(c.heard(NET, A));
    assert_eq!(a.in_use()[&NET], BTreeSet::from([A, C]));
}

#[test]
fn what_gathers_is_passed_on_to_the_same_participants() {
    let nodes: Vec<NodeId> = (1..=40).map(NodeId::from_random).collect();
    let (mut machine, now) = (Whereabouts::new(nodes[0], 1, 7), crate::test_clock());
    machine.set_members(now, members(&nodes));
    machine.join(NET);
    let word = |owner, version, rows, fresh| Message::Snapshot {
        stream: StreamId { network: NET, owner },
        head: crate::Head { epoch: 1, version },
        presence: Presence::Here,
        rows,
        fresh,
    };
    for &owner in &nodes[1..] {
        machine.handle(now, owner, word(owner, 1, vec![], false)).unwrap();
    }
    drain(&mut machine);
    let fresh = [(nodes[1], 1), (nodes[2], 2)];
    for (owner, row) in fresh {
        let row = vec![Arc::new(endpoint(row))];
        machine.handle(now, nodes[3], word(owner, 2, row, true)).unwrap();
    }
    machine.handle_timeout(now + Duration::from_millis(5));
    let sent = drain(&mut machine);
    let told = |of: NodeId| -> BTreeSet<NodeId> {
        let about = |message: &Message| match message {
            Message::Snapshot { stream, .. } | Message::Delta { stream, .. } => stream.owner == of,
            _ => false,
        };
        let told = sent.iter().filter(|sent| about(&sent.message)).map(|sent| sent.to);
        told.filter(|to| !fresh.iter().any(|(owner, _)| owner == to)).collect()
    };
    assert_eq!(told(nodes[1]), told(nodes[2]));
    assert!((6..=9).contains(&told(nodes[1]).len()), "{sent:?}");
}

#[test]
fn losing_a_node_hides_its_rows_and_deletes_none() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    settle(&mut [&mut a, &mut b], now);
    b.hide(A);
    assert_eq!(shown(&b), [(A, 1, false)]);
    b.show(A);
    assert_eq!(shown(&b), [(A, 1, true)]);
    b.set_members(now, members(&[B, C]));
    assert_eq!((shown(&b), b.participants(NET)), (vec![], BTreeSet::from([B])));
}

#[test]
fn rows_of_an_earlier_epoch_stay_until_the_new_one_says_what_there_is() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    a.put(NET, endpoint(2));
    settle(&mut [&mut a, &mut b], now);
    let mut a = machine(A, 2);
    a.put(NET, endpoint(2));
    meet(&mut a, &mut b, now);
    let participation = a.poll_transmit().unwrap();
    b.handle(now, A, participation.message).unwrap();
    assert_eq!(shown(&b), [(A, 1, true), (A, 2, true)]);
    assert!(b.heard(NET, A));
    settle(&mut [&mut a, &mut b], now);
    assert_eq!(shown(&b), [(A, 2, true)]);
}

#[test]
fn a_node_that_comes_back_without_endpoints_has_none_elsewhere() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    settle(&mut [&mut a, &mut b], now);
    let mut a = machine(A, 2);
    meet(&mut a, &mut b, now);
    settle(&mut [&mut a, &mut b], now);
    assert_eq!((shown(&b), b.participants(NET)), (vec![], BTreeSet::from([B])));
}

#[test]
fn nobody_knows_more_of_a_node_than_it_has_said_itself() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    settle(&mut [&mut a, &mut b], now);
    // In its next run it is there for a moment, then listens on; what follows is on another network.
    let mut a = machine(A, 2);
    meet(&mut a, &mut b, now);
    a.put(NET, endpoint(2));
    a.remove(NET, endpoint(2).id);
    a.leave(now, NET);
    a.put(NetworkId::from_random(2), endpoint(3));
    let said = drain(&mut a).into_iter().filter(|one| one.to == B);
    let participation = said
        .map(|one| one.message)
        .find(|message| matches!(message, Message::Participation { .. }));
    b.handle(now, A, participation.unwrap()).unwrap();
    let known = |machine: &Whereabouts| machine.tables[&NET].head(A);
    assert!(known(&b) < known(&a), "{:?}, {:?}", known(&b), known(&a));
    settle(&mut [&mut a, &mut b], now);
    assert_eq!((shown(&b), known(&b)), (vec![], known(&a)));
}

#[test]
fn any_participant_serves_the_rows_of_one_that_is_away() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    settle(&mut [&mut a, &mut b], now);
    drop(a);
    let mut c = machine(C, 1);
    c.join(NET);
    c.hide(A);
    meet(&mut b, &mut c, now);
    settle(&mut [&mut b, &mut c], now);
    assert_eq!(shown(&c), [(A, 1, false)]);
}

#[test]
fn what_another_says_of_a_node_that_is_up_is_a_question_to_that_node() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    let said = delta(A, 1, (0, 9), vec![RowChange::Put(Arc::new(endpoint(2)))]);
    b.handle(now, C, said.clone()).unwrap();
    let sent = drain(&mut b);
    let asks = |one: &Transmit| one.to == A && matches!(one.message, Message::Request { .. });
    assert!(sent.iter().any(asks) && shown(&b).is_empty(), "{sent:?}");
    drain(&mut a);
    deliver(&mut a, now, B, sent);
    settle(&mut [&mut a, &mut b], now);
    assert_eq!(shown(&b), [(A, 1, true)]);
    // It is told of when A has had its time, once.
    b.review_hearsay(now + Duration::from_secs(29));
    assert_eq!(b.poll_rejected(), None);
    b.review_hearsay(now + Duration::from_secs(30));
    let told = Rejected::NotTheirWord { from: C, owner: A, epoch: 1, known: 1 };
    assert_eq!((b.poll_rejected(), b.poll_rejected()), (Some(told), None));
    // Of one that is down whoever knows something tells.
    b.hide(A);
    b.handle(now, C, said).unwrap();
    assert_eq!(shown(&b), [(A, 1, false), (A, 2, false)]);
}

#[test]
fn what_another_says_and_the_node_itself_confirms_is_told_of_to_nobody() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    drop(drain(&mut a));
    let true_word = delta(A, 1, (2, a.clock), vec![RowChange::Put(Arc::new(endpoint(1)))]);
    b.handle(now, C, true_word.clone()).unwrap();
    settle(&mut [&mut a, &mut b], now);
    assert_eq!(shown(&b), [(A, 1, true)]);
    b.review_hearsay(now + Duration::from_secs(60));
    assert_eq!(b.poll_rejected(), None);
    // Nor is it if that node dies before it can.
    b.handle(now, C, delta(A, 1, (9, 10), vec![])).unwrap();
    b.hide(A);
    b.show(A);
    b.review_hearsay(now + Duration::from_secs(60));
    assert_eq!(b.poll_rejected(), None);
}

#[test]
fn a_lost_change_is_asked_for_when_the_next_one_comes() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    drop(drain(&mut a));
    a.put(NET, endpoint(2));
    settle(&mut [&mut a, &mut b], now);
    assert_eq!(shown(&b), [(A, 1, true), (A, 2, true)]);
}

#[test]
fn a_lost_last_change_is_found_by_the_digest() {
    let (mut a, mut b, _) = pair();
    a.put(NET, endpoint(1));
    drop(drain(&mut a));
    let due = a.poll_timeout().unwrap();
    a.handle_timeout(due);
    settle(&mut [&mut a, &mut b], due);
    assert_eq!(shown(&b), [(A, 1, true)]);
}

#[test]
fn a_slow_node_costs_one_message_a_network_however_much_changes() {
    let (mut a, mut b, now) = pair();
    for id in 1..=5000 {
        a.put(NET, endpoint(id));
        a.remove(NET, endpoint(id).id);
    }
    let sent = drain(&mut a);
    assert_eq!(sent.len(), 1);
    deliver(&mut b, now, A, sent);
    settle(&mut [&mut a, &mut b], now);
    assert_eq!(shown(&b), []);
}

#[test]
fn who_has_left_a_moment_ago_has_lost_nothing_when_it_comes_back() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    settle(&mut [&mut a, &mut b], now);
    b.leave(now, NET);
    settle(&mut [&mut a, &mut b], now);
    assert_eq!((shown(&b), b.networks()), (vec![], BTreeSet::new()));
    assert_eq!(a.in_use()[&NET], BTreeSet::from([A]));
    a.put(NET, endpoint(2));
    a.remove(NET, endpoint(1).id);
    settle(&mut [&mut a, &mut b], now);
    b.join(NET);
    assert_eq!(shown(&b), [(A, 2, true)]);
    settle(&mut [&mut a, &mut b], now);
    assert_eq!(a.in_use()[&NET], BTreeSet::from([A, B]));
}

#[test]
fn who_has_been_away_for_long_is_told_nothing_any_more() {
    let (mut a, mut b, now) = pair();
    b.leave(now, NET);
    let (long, later) = (now + crate::LINGER, now + crate::LINGER + Duration::from_secs(3));
    b.handle_timeout(long);
    settle(&mut [&mut a, &mut b], long);
    b.handle_timeout(later);
    settle(&mut [&mut a, &mut b], later);
    a.put(NET, endpoint(1));
    assert_eq!(drain(&mut a), []);
    assert!(b.tables.is_empty());
}

#[test]
fn each_kind_of_untruth_is_rejected_and_changes_nothing() {
    let (mut a, mut b, now) = pair();
    b.put(NET, endpoint(9));
    settle(&mut [&mut a, &mut b], now);
    let digest = || Message::Digest { network: NET, sum: 0 };
    assert_eq!(b.handle(now, B, digest()), Err(Rejected::Myself { node: B }));
    let stranger = NodeId::from_random(99);
    assert_eq!(b.handle(now, stranger, digest()), Err(Rejected::Stranger { from: stranger }));
    let old = Rejected::OldEpoch { from: A, epoch: 0, known: 1 };
    assert_eq!(b.handle(now, A, delta(A, 0, (2, 99), vec![])), Err(old));
    let changes = || vec![RowChange::Remove(endpoint(9).id)];
    let theirs = Rejected::NotYours { from: A, endpoint: endpoint(9).id, owner: B };
    assert_eq!(b.handle(now, A, delta(A, 1, (2, 99), changes())), Err(theirs));
    let mine = Rejected::NotMyWord { from: A, epoch: 1, known: 1 };
    assert_eq!(b.handle(now, A, delta(B, 1, (3, 99), changes())), Err(mine));
    assert_eq!(shown(&b), [(B, 9, true)]);
}

#[test]
fn a_question_is_not_repeated_while_its_answer_is_on_the_way() {
    let (_, mut b, now) = pair();
    let gap = |from| delta(A, 1, (from, from + 1), vec![]);
    b.handle(now, A, gap(50)).unwrap();
    assert!(matches!(b.poll_transmit().unwrap().message, Message::Request { .. }));
    b.handle(now, A, gap(51)).unwrap();
    assert_eq!(b.poll_transmit(), None);
    b.handle(now + Duration::from_millis(250), A, gap(52)).unwrap();
    assert!(b.poll_transmit().is_some());
}

#[test]
fn in_a_large_network_a_change_is_passed_on_once_by_everybody() {
    let now = crate::test_clock();
    let ids: Vec<NodeId> = (1..=40).map(NodeId::from_random).collect();
    let mut all: Vec<Whereabouts> = ids.iter().map(|id| machine_of(*id, &ids)).collect();
    all.iter_mut().for_each(|machine| machine.join(NET));
    for _ in 0..6 {
        run(&mut all, now);
        all.iter_mut().for_each(|machine| machine.tick(now));
    }
    run(&mut all, now);
    all[3].put(NET, endpoint(1));
    let told = run(&mut all, now);
    assert!(all.iter().all(|machine| shown(machine).len() == 1));
    // ln 39 is 3.7, and five more: nine each.
    assert!(told <= 40 * 9, "{told}");
}

fn run(all: &mut [Whereabouts], now: Instant) -> usize {
    let (mut told, later) = (0, now + Duration::from_millis(5));
    loop {
        let sent: Vec<_> = all.iter_mut().map(|m| (m.me, drain(m))).collect();
        let count: usize = sent.iter().map(|(_, sent)| sent.len()).sum();
        if count == 0 && all.iter().all(|m| m.relay_at.is_none()) {
            return told;
        }
        told += count;
        for (from, sent) in sent {
            all.iter_mut().for_each(|to| deliver(to, now, from, sent.clone()));
        }
        all.iter_mut().filter(|m| m.relay_at.is_some()).for_each(|m| m.handle_relay(later));
    }
}

impl Whereabouts {
    fn handle_relay(&mut self, now: Instant) {
        let tick_at = self.tick_at.take();
        self.handle_timeout(now);
        self.tick_at = tick_at;
    }
}

fn delta(owner: NodeId, epoch: u64, (from, to): (u64, u64), changes: Vec<RowChange>) -> Message {
    let stream = StreamId { network: NET, owner };
    Message::Delta { stream, epoch, from, to, presence: Presence::Here, changes, fresh: true }
}

fn members(nodes: &[NodeId]) -> Arc<Members> {
    let nodes: BTreeSet<NodeId> = nodes.iter().copied().collect();
    let managers = nodes.first().copied().into_iter().collect();
    Arc::new(Members { nodes, managers })
}

fn machine(id: NodeId, epoch: u64) -> Whereabouts {
    Whereabouts::new(id, epoch, 1)
}

fn machine_of(id: NodeId, nodes: &[NodeId]) -> Whereabouts {
    let mut machine = machine(id, 1);
    machine.set_members(crate::test_clock(), members(nodes));
    machine
}

/// Two participants that have told each other everything.
fn pair() -> (Whereabouts, Whereabouts, Instant) {
    let now = crate::test_clock();
    let (mut a, mut b) = (machine(A, 1), machine(B, 1));
    a.join(NET);
    b.join(NET);
    meet(&mut a, &mut b, now);
    settle(&mut [&mut a, &mut b], now);
    events(&mut a);
    events(&mut b);
    (a, b, now)
}

fn meet(one: &mut Whereabouts, other: &mut Whereabouts, now: Instant) {
    for machine in [&mut *one, &mut *other] {
        machine.set_members(now, members(&[A, B, C]));
    }
    one.peer_up(other.me);
    other.peer_up(one.me);
}

fn settle(all: &mut [&mut Whereabouts], now: Instant) {
    loop {
        let sent: Vec<_> = all.iter_mut().map(|m| (m.me, drain(m))).collect();
        if sent.iter().all(|(_, sent)| sent.is_empty()) {
            return;
        }
        for (from, sent) in sent {
            all.iter_mut().for_each(|to| deliver(to, now, from, sent.clone()));
        }
    }
}

fn drain(machine: &mut Whereabouts) -> Vec<Transmit> {
    std::iter::from_fn(|| machine.poll_transmit()).collect()
}

fn deliver(to: &mut Whereabouts, now: Instant, from: NodeId, sent: Vec<Transmit>) {
    let me = to.me;
    for transmit in sent.into_iter().filter(|transmit| transmit.to == me) {
        to.handle(now, from, transmit.message).unwrap();
    }
}

fn events(machine: &mut Whereabouts) -> Vec<Event> {
    std::iter::from_fn(|| machine.poll_event()).collect()
}

fn shown(machine: &Whereabouts) -> Vec<(NodeId, u128, bool)> {
    let row = |row: crate::Located<'_>| {
        (row.owner, u128::from_be_bytes(row.endpoint.id.to_bytes()), row.visible)
    };
    machine.rows(NET).map(row).collect()
}

pub(crate) fn endpoint(id: u128) -> Endpoint {
    let [.., a, b, c] = id.to_be_bytes();
    Endpoint {
        id: EndpointId::from_random(id),
        mac: MacAddr::from_random([2, 0, 0, a, b, c]),
        addresses: vec![[10, a, b, c].into()],
        name: None,
        aliases: BTreeSet::new(),
    }
}
