//! The machine as its users see it, message by message.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use weft_model::{Endpoint, EndpointId, MacAddr, NetworkId, NodeId};

use crate::{Event, Message, Rejected, RowChange, Transmit, Whereabouts};

const A: NodeId = NodeId::from_random(0xa);
const B: NodeId = NodeId::from_random(0xb);
const C: NodeId = NodeId::from_random(0xc);
const NET: NetworkId = NetworkId::from_random(7);

#[test]
fn a_row_is_at_the_other_participant_after_one_message() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    let sent: Vec<_> = std::iter::from_fn(|| a.poll_transmit()).collect();
    assert!(
        matches!(sent.as_slice(), [Transmit { to: B, message: Message::Delta { .. } }]),
        "{sent:?}"
    );
    deliver(&mut b, now, A, sent);
    assert_eq!(shown(&b), [(A, 1, true)]);
    assert_eq!(events(&mut b), [Event::Changed(NET)]);
    a.remove(NET, endpoint(1).id);
    settle(&mut a, &mut b, now);
    assert_eq!(shown(&b), []);
}

#[test]
fn whoever_does_not_take_part_hears_of_participation_only() {
    let now = crate::test_clock();
    let (mut a, mut c) = (Whereabouts::new(A, 1), Whereabouts::new(C, 1));
    a.put(NET, endpoint(1));
    connect(&mut a, &mut c, now);
    settle(&mut a, &mut c, now);
    a.put(NET, endpoint(2));
    assert_eq!(a.poll_transmit(), None);
    assert_eq!((shown(&c), c.participants(NET)), (vec![], BTreeSet::from([A])));
    assert!(!c.heard(NET, A));
    c.join(NET);
    settle(&mut a, &mut c, now);
    assert_eq!(shown(&c), [(A, 1, true), (A, 2, true)]);
    assert!(c.heard(NET, A));
    assert_eq!(a.in_use()[&NET], BTreeSet::from([A, C]));
}

#[test]
fn losing_a_node_hides_its_rows_and_deletes_none() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    settle(&mut a, &mut b, now);
    b.peer_down(A);
    assert_eq!(shown(&b), [(A, 1, true)]);
    b.hide(A);
    assert_eq!(shown(&b), [(A, 1, false)]);
    b.show(A);
    assert_eq!(shown(&b), [(A, 1, true)]);
    b.forget(A);
    assert_eq!((shown(&b), b.participants(NET)), (vec![], BTreeSet::from([B])));
}

#[test]
fn rows_of_an_earlier_epoch_stay_until_the_new_one_says_what_there_is() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    a.put(NET, endpoint(2));
    settle(&mut a, &mut b, now);
    let mut a = Whereabouts::new(A, 2);
    a.put(NET, endpoint(2));
    connect(&mut a, &mut b, now);
    let participation = a.poll_transmit().unwrap();
    b.handle(now, A, participation.message).unwrap();
    assert_eq!(shown(&b), [(A, 1, true), (A, 2, true)]);
    assert!(b.heard(NET, A));
    settle(&mut a, &mut b, now);
    assert_eq!(shown(&b), [(A, 2, true)]);
}

#[test]
fn a_lost_change_is_asked_for_when_the_next_one_comes() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    drop(a.poll_transmit());
    a.put(NET, endpoint(2));
    settle(&mut a, &mut b, now);
    assert_eq!(shown(&b), [(A, 1, true), (A, 2, true)]);
}

#[test]
fn a_lost_last_change_is_found_by_the_digest() {
    let (mut a, mut b, _) = pair();
    a.put(NET, endpoint(1));
    drop(a.poll_transmit());
    let due = a.poll_timeout().unwrap();
    a.handle_timeout(due);
    settle(&mut a, &mut b, due);
    assert_eq!(shown(&b), [(A, 1, true)]);
}

#[test]
fn a_slow_node_costs_one_message_a_network_however_much_changes() {
    let (mut a, mut b, now) = pair();
    for id in 1..=5000 {
        a.put(NET, endpoint(id));
        a.remove(NET, endpoint(id).id);
    }
    let sent: Vec<_> = std::iter::from_fn(|| a.poll_transmit()).collect();
    assert_eq!(sent.len(), 1);
    deliver(&mut b, now, A, sent);
    assert_eq!(shown(&b), []);
}

#[test]
fn an_old_snapshot_does_not_bring_rows_back_after_this_node_left_and_joined_again() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    let old = a.poll_transmit().unwrap().message;
    let Message::Delta { network, epoch, to, .. } = old else { panic!("{old:?}") };
    let old = Message::Snapshot { network, epoch, version: to, rows: vec![endpoint(1)] };
    b.handle(now, A, old.clone()).unwrap();
    a.remove(NET, endpoint(1).id);
    settle(&mut a, &mut b, now);
    b.leave(NET);
    b.join(NET);
    b.handle(now, A, old).unwrap();
    assert_eq!(shown(&b), []);
}

#[test]
fn each_kind_of_untruth_is_rejected_and_changes_nothing() {
    let (mut a, mut b, now) = pair();
    b.put(NET, endpoint(9));
    settle(&mut a, &mut b, now);
    let digest = |epoch| Message::Digest { epoch, participation: 1, streams: vec![] };
    assert_eq!(b.handle(now, B, digest(1)), Err(Rejected::Myself { node: B }));
    assert_eq!(b.handle(now, C, digest(1)), Err(Rejected::NotConnected { from: C }));
    let old = Rejected::OldEpoch { from: A, epoch: 0, known: 1 };
    assert_eq!(b.handle(now, A, digest(0)), Err(old));
    let changes = vec![RowChange::Remove(endpoint(9).id)];
    let theft = Message::Delta { network: NET, epoch: 1, from: 2, to: 99, changes };
    let theirs = Rejected::NotYours { from: A, endpoint: endpoint(9).id, owner: B };
    assert_eq!(b.handle(now, A, theft), Err(theirs));
    assert_eq!(shown(&b), [(B, 9, true)]);
}

#[test]
fn a_question_is_not_repeated_while_its_answer_is_on_the_way() {
    let (mut a, mut b, now) = pair();
    let gap = |from| Message::Delta { network: NET, epoch: 1, from, to: from + 1, changes: vec![] };
    b.handle(now, A, gap(50)).unwrap();
    assert!(matches!(b.poll_transmit().unwrap().message, Message::Request { .. }));
    b.handle(now, A, gap(51)).unwrap();
    assert_eq!(b.poll_transmit(), None);
    b.handle(now + Duration::from_millis(250), A, gap(52)).unwrap();
    assert!(b.poll_transmit().is_some());
    assert_eq!(a.poll_transmit(), None);
}

/// Two connected participants that have told each other everything.
fn pair() -> (Whereabouts, Whereabouts, Instant) {
    let now = crate::test_clock();
    let (mut a, mut b) = (Whereabouts::new(A, 1), Whereabouts::new(B, 1));
    a.join(NET);
    b.join(NET);
    connect(&mut a, &mut b, now);
    settle(&mut a, &mut b, now);
    events(&mut a);
    events(&mut b);
    (a, b, now)
}

fn connect(one: &mut Whereabouts, other: &mut Whereabouts, now: Instant) {
    one.peer_up(now, other.me);
    other.peer_up(now, one.me);
}

fn settle(one: &mut Whereabouts, other: &mut Whereabouts, now: Instant) {
    loop {
        let there: Vec<_> = std::iter::from_fn(|| one.poll_transmit()).collect();
        let back: Vec<_> = std::iter::from_fn(|| other.poll_transmit()).collect();
        if there.is_empty() && back.is_empty() {
            return;
        }
        deliver(other, now, one.me, there);
        deliver(one, now, other.me, back);
    }
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
