//! Whose word is taken: the owner's, from whoever says it.

use super::*;

/// What B tells C when it is asked for all that it has of A.
fn asks_for_all(machine: &mut Whereabouts, of: NodeId, owner: NodeId) -> bool {
    let wanted =
        Message::Request { stream: StreamId { network: NET, owner }, have: Head::default() };
    drain(machine).iter().any(|sent| sent.to == of && sent.message == wanted)
}

/// The same word with other rows, and the seal that it had.
fn altered(word: &Message) -> Message {
    let &Message::Snapshot { stream, head, presence, seal, fresh, .. } = word else { panic!() };
    let rows = vec![Arc::new(endpoint(66))];
    Message::Snapshot { stream, head, presence, rows, seal, fresh }
}

#[test]
fn what_an_owner_has_signed_is_taken_from_anybody() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    let said = drain(&mut a).remove(0);
    for hidden in [false, true] {
        let mut b = b.clone();
        if hidden {
            b.hide(A);
        }
        b.handle(now, C, said.message.clone()).unwrap();
        assert_eq!(shown(&b), [(A, 1, !hidden)]);
    }
    // It is served on to others as it was signed.
    b.handle(now, C, said.message).unwrap();
    drop(a);
    let mut c = machine(C, 1);
    c.join(NET);
    meet(&mut b, &mut c, now);
    settle(&mut [&mut b, &mut c], now);
    assert_eq!(shown(&c), [(A, 1, true)]);
}

#[test]
fn what_the_owner_has_not_signed_changes_nothing_whoever_says_it() {
    let (mut a, b, now) = pair();
    a.put(NET, endpoint(1));
    let head = (1, a.clock);
    let genuine = || snapshot(A, head, &[endpoint(1)], true);
    let stream = StreamId { network: NET, owner: A };
    let signed_by_c = || {
        let told = statement(stream, Head { epoch: 1, version: 99 }, Presence::Left, &[]);
        let seal = seal(C, &told);
        let head = Head { epoch: 1, version: 99 };
        Message::Snapshot {
            stream,
            head,
            presence: Presence::Left,
            rows: vec![],
            seal,
            fresh: true,
        }
    };
    let ahead = || {
        let Message::Snapshot { rows, seal, .. } = genuine() else { panic!() };
        let head = Head { epoch: 1 << 40, version: 1 };
        Message::Snapshot { stream, head, presence: Presence::Here, rows, seal, fresh: true }
    };
    for hidden in [false, true] {
        for from in [A, C] {
            for lie in [altered(&genuine()), signed_by_c(), ahead()] {
                let mut b = b.clone();
                if hidden {
                    b.hide(A);
                }
                drain(&mut b);
                let refused = b.handle(now, from, lie).unwrap_err();
                assert!(matches!(refused, Rejected::NotTheirWord { owner: A, .. }), "{refused}");
                assert_eq!((refused.sender(), shown(&b), drain(&mut b)), (from, vec![], vec![]));
                b.handle(now, C, genuine()).unwrap();
                assert_eq!(shown(&b), [(A, 1, !hidden)]);
            }
        }
    }
}

#[test]
fn the_end_of_a_row_that_its_owner_has_not_ended_changes_nothing() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    settle(&mut [&mut a, &mut b], now);
    let known = b.tables[&NET].head(A).version;
    for said in [vec![RowChange::Remove(endpoint(1).id)], vec![]] {
        let Message::Delta { stream, epoch, from, to, presence, changes, fresh, .. } =
            delta(A, 1, (known, known + 1), said)
        else {
            panic!()
        };
        let seal = b.tables[&NET].stream(A).unwrap().seal().unwrap();
        let lie = Message::Delta { stream, epoch, from, to, presence, changes, seal, fresh };
        let told = Rejected::NotTheirWord { from: C, owner: A, epoch: 1 };
        assert_eq!(b.handle(now, C, lie), Err(told));
        assert_eq!((shown(&b), asks_for_all(&mut b, C, A)), (vec![(A, 1, true)], true));
    }
    // A question to the liar keeps nobody else from being asked.
    a.put(NET, endpoint(2));
    drop(drain(&mut a));
    a.put(NET, endpoint(3));
    settle(&mut [&mut a, &mut b], now);
    assert_eq!(shown(&b).len(), 3);
}

#[test]
fn what_stands_on_another_word_of_the_same_key_is_mended_by_all_of_it() {
    let (mut a, mut b, now) = pair();
    // Another host with A's key has said something else at the same time.
    let version = a.clock + 1;
    b.handle(now, A, snapshot(A, (1, version), &[endpoint(7)], true)).unwrap();
    a.put(NET, endpoint(1));
    drop(drain(&mut a));
    a.put(NET, endpoint(2));
    let Transmit {
        message: Message::Delta { stream, epoch, to, presence, changes, seal, .. }, ..
    } = drain(&mut a).remove(0)
    else {
        panic!()
    };
    let changes = changes.into_iter().filter(|change| change.id() == endpoint(2).id).collect();
    let (from, fresh) = (version, true);
    let news = Message::Delta { stream, epoch, from, to, presence, changes, seal, fresh };
    let told = Rejected::NotTheirWord { from: A, owner: A, epoch: 1 };
    assert_eq!(b.handle(now, A, news), Err(told));
    settle(&mut [&mut a, &mut b], now);
    assert_eq!(shown(&b), [(A, 1, true), (A, 2, true)]);
}

#[test]
fn what_this_node_has_not_said_is_a_clones_word_if_it_is_signed_and_else_a_lie() {
    let (_, mut b, now) = pair();
    let word = snapshot(B, (2, 7), &[endpoint_of(B, 3)], true);
    let clone = Rejected::NotMyWord { from: A, epoch: 2, known: 1 };
    assert_eq!(b.handle(now, A, word.clone()), Err(clone));
    let lie = Rejected::NotTheirWord { from: A, owner: B, epoch: 2 };
    assert_eq!(b.handle(now, A, altered(&word)), Err(lie));
    // From changes alone it is not clear which: all of it is asked for.
    drain(&mut b);
    b.handle(now, A, delta(B, 2, (6, 7), vec![])).unwrap();
    assert!(asks_for_all(&mut b, A, B));
    assert_eq!(shown(&b), []);
}

#[test]
fn a_node_with_another_key_is_another_node() {
    let (mut a, mut b, now) = pair();
    a.put(NET, endpoint(1));
    settle(&mut [&mut a, &mut b], now);
    let mut changed = members(&[A, B, C]).as_ref().clone();
    changed.nodes.insert(A, key_of(C));
    b.set_members(now, Arc::new(changed));
    assert_eq!(shown(&b), []);
    let word = snapshot(A, (1, 99), &[endpoint(1)], true);
    assert!(matches!(b.handle(now, A, word), Err(Rejected::NotTheirWord { .. })));
}

#[test]
fn an_owner_signs_once_what_it_tells_many() {
    #[derive(Debug)]
    struct Counting(Arc<dyn Notary>, std::sync::atomic::AtomicUsize);
    impl Notary for Counting {
        fn seal(&self, statement: &[u8]) -> Option<Seal> {
            self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.0.seal(statement)
        }

        fn is_sealed(&self, key: &PublicKey, statement: &[u8], seal: &Seal) -> bool {
            self.0.is_sealed(key, statement, seal)
        }
    }
    let (now, ids) = (crate::test_clock(), (1..=10).map(NodeId::from_random).collect::<Vec<_>>());
    let notary = Arc::new(Counting(notary_of(ids[0]), 0.into()));
    let mut one = Whereabouts::new(ids[0], 1, 1, Arc::clone(&notary) as Arc<dyn Notary>);
    one.set_members(now, members(&ids));
    one.join(NET);
    for owner in &ids[1..] {
        one.handle(now, *owner, snapshot(*owner, (1, 1), &[], false)).unwrap();
    }
    drain(&mut one);
    let before = notary.1.load(std::sync::atomic::Ordering::Relaxed);
    (1..=5).for_each(|row| one.put(NET, endpoint_of(ids[0], row)));
    assert_eq!(drain(&mut one).len(), 9);
    assert_eq!(notary.1.load(std::sync::atomic::Ordering::Relaxed), before + 1);
}
