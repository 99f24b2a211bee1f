//! The machine as its users see it, message by message.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weft_model::{Endpoint, EndpointId, MacAddr, NetworkId, NodeId, PublicKey};

use crate::{
    Event, Head, Members, Message, Notary, Presence, Rejected, RowChange, Seal, StreamId, Transmit,
    Whereabouts, statement,
};

mod signed;
#[path = "../tests/sums/mod.rs"]
mod sums;

pub(crate) use sums::key_of;
use sums::notary_of;

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
    let (mut machine, now) = (machine(nodes[0], 1), crate::test_clock());
    machine.set_members(now, members(&nodes));
    machine.join(NET);
    for &owner in &nodes[1..] {
        machine.handle(now, owner, snapshot(owner, (1, 1), &[], false)).unwrap();
    }
    drain(&mut machine);
    let fresh = [(nodes[1], 1), (nodes[2], 2)];
    for (owner, row) in fresh {
        let word = snapshot(owner, (1, 2), &[endpoint_of(owner, row)], true);
        machine.handle(now, nodes[3], word).unwrap();
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
    b.put(NET, endpoint_of(B, 9));
    settle(&mut [&mut a, &mut b], now);
    let digest = || Message::Digest { network: NET, sum: 0 };
    assert_eq!(b.handle(now, B, digest()), Err(Rejected::Myself { node: B }));
    let stranger = NodeId::from_random(99);
    assert_eq!(b.handle(now, stranger, digest()), Err(Rejected::Stranger { from: stranger }));
    let old = Rejected::OldEpoch { from: A, epoch: 0, known: 1 };
    assert_eq!(b.handle(now, A, delta(A, 0, (2, 99), vec![])), Err(old));
    // Whether it is known here does not matter: a newcomer hears the liar first.
    for stolen in [endpoint_of(B, 9), endpoint_of(C, 1)] {
        let changes = vec![RowChange::Remove(stolen.id)];
        let theirs = || Rejected::NotYours { from: A, endpoint: stolen.id };
        assert_eq!(b.handle(now, A, delta(A, 1, (2, 99), changes)), Err(theirs()));
        let stolen = snapshot(A, (1, 99), std::slice::from_ref(&stolen), true);
        assert_eq!(b.handle(now, C, stolen), Err(theirs()), "whoever passes it on");
    }
    let mine = Rejected::NotMyWord { from: A, epoch: 1, known: 1 };
    assert_eq!(b.handle(now, A, snapshot(B, (1, 99), &[], true)), Err(mine));
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
    all[3].put(NET, endpoint_of(ids[3], 1));
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

/// Changes of one who had no rows before, under its seal.
fn delta(owner: NodeId, epoch: u64, (from, to): (u64, u64), changes: Vec<RowChange>) -> Message {
    let stream = StreamId { network: NET, owner };
    let put = |change: &RowChange| match change {
        RowChange::Put(row) => Some(Arc::clone(row)),
        RowChange::Remove(_) => None,
    };
    let rows: Vec<_> = changes.iter().filter_map(put).collect();
    let (presence, fresh) = (Presence::Here, true);
    let told = statement(stream, Head { epoch, version: to }, presence, &rows);
    let seal = seal(owner, &told);
    Message::Delta { stream, epoch, from, to, presence, changes, seal, fresh }
}

/// All rows of somebody, under its seal.
fn snapshot(owner: NodeId, head: (u64, u64), rows: &[Endpoint], fresh: bool) -> Message {
    let (stream, presence) = (StreamId { network: NET, owner }, Presence::Here);
    let head = Head { epoch: head.0, version: head.1 };
    let rows: Vec<_> = rows.iter().cloned().map(Arc::new).collect();
    let seal = seal(owner, &statement(stream, head, presence, &rows));
    Message::Snapshot { stream, head, presence, rows, seal, fresh }
}

fn members(nodes: &[NodeId]) -> Arc<Members> {
    let managers = nodes.first().copied().into_iter().collect();
    let nodes = nodes.iter().map(|node| (*node, key_of(*node))).collect();
    Arc::new(Members { nodes, managers })
}

fn machine(id: NodeId, epoch: u64) -> Whereabouts {
    Whereabouts::new(id, epoch, 1, notary_of(id))
}

fn seal(owner: NodeId, told: &[u8]) -> Seal {
    notary_of(owner).seal(told).unwrap()
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
    let number = |id: EndpointId| u128::from_be_bytes(id.to_bytes()) >> 64;
    let row = |row: crate::Located<'_>| (row.owner, number(row.endpoint.id), row.visible);
    machine.rows(NET).map(row).collect()
}

/// One of A's.
pub(crate) fn endpoint(number: u64) -> Endpoint {
    endpoint_of(A, number)
}

fn endpoint_of(owner: NodeId, number: u64) -> Endpoint {
    let [.., a, b, c] = number.to_be_bytes();
    Endpoint {
        id: EndpointId::at(owner, number),
        mac: MacAddr::from_random([2, 0, 0, a, b, c]),
        addresses: vec![[10, a, b, c].into()],
        name: None,
        aliases: BTreeSet::new(),
    }
}
