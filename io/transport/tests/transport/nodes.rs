//! Who is connected with whom, and what they say.

use std::time::{Duration, Instant};

use weft_model::{NetworkId, NodeId};
use weft_transport::{MeshEvent, MeshHandle, Refusal};
use weft_whereabouts::Message;

use crate::world::{A, Authority, B, C, DEADLINE, Node, Wire, introduce, meet, pair, two};

/// Longer than a silence goes unnoticed.
const NOTICED: Duration = Duration::from_secs(3);

/// Longer than it takes to find a node that can be reached again.
const FOUND: Duration = Duration::from_millis(1500);

fn numbered(number: u64) -> Message {
    Message::Digest { network: NetworkId::from_random(7), sum: number }
}

async fn expect_message(node: &mut Node, from: NodeId, message: Message) {
    match node.next().await {
        MeshEvent::Message(by, heard) => assert_eq!((by, heard), (from, message)),
        other => panic!("{other:?}"),
    }
}

/// What A says comes to B.
async fn hears(b: &mut Node, a: &Node) {
    a.handle.send(B, numbered(1)).unwrap();
    expect_message(b, A, numbered(1)).await;
}

/// A dials B where nobody is; B knows where A is.
async fn dials_in_vain(a: &Node, b: &Node) -> Wire {
    let nowhere = Wire::to(b.address()).await;
    nowhere.cut();
    a.wants(B, nowhere.address);
    b.wants(A, a.address());
    nowhere
}

/// Asks A until it answers.
async fn is_answered(by: MeshHandle) {
    while by.watch(A, 0).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn messages_arrive_in_order_from_whom_the_certificate_names() {
    let (_authority, mut a, mut b) = pair().await;
    for number in 0..500 {
        a.handle.send(B, numbered(number)).unwrap();
        b.handle.send(A, numbered(number + 1000)).unwrap();
    }
    for number in 0..500 {
        expect_message(&mut b, A, numbered(number)).await;
        expect_message(&mut a, B, numbered(number + 1000)).await;
    }
}

#[tokio::test]
async fn what_the_membership_says_arrives_in_datagrams_and_over_the_stream() {
    let (_authority, a, mut b) = pair().await;
    a.handle.send_datagram(B, vec![7; 1_101]).unwrap();
    expect_membership(&mut b, vec![7; 1_101]).await;
    a.handle.send_membership(B, vec![8; 100_000]).unwrap();
    expect_membership(&mut b, vec![8; 100_000]).await;
}

async fn expect_membership(node: &mut Node, bytes: Vec<u8>) {
    match node.next().await {
        MeshEvent::Membership(by, heard) => assert_eq!((by, heard), (A, bytes)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_is_not_kept_is_connected_when_there_is_something_to_say() {
    let (_authority, mut a, mut b) = two();
    a.keeps(&[]);
    b.keeps(&[]);
    introduce(&a, A, &b, B);
    a.sees_nothing().await;
    b.sees_nothing().await;
    for number in 0..20 {
        b.handle.send(A, numbered(number)).unwrap();
    }
    meet(&mut a, &mut b).await;
    for number in 0..20 {
        expect_message(&mut a, B, numbered(number)).await;
    }
    a.handle.send(B, numbered(99)).unwrap();
    expect_message(&mut b, A, numbered(99)).await;
}

#[tokio::test]
async fn who_is_kept_by_one_side_is_connected_whatever_the_other_keeps() {
    let (authority, mut a, mut b) = two();
    let mut c = Node::start(authority.credentials(C));
    a.keeps(&[B]);
    b.keeps(&[]);
    c.keeps(&[B]);
    for (one, one_id, other, other_id) in [(&a, A, &b, B), (&b, B, &c, C)] {
        introduce(one, one_id, other, other_id);
    }
    meet(&mut a, &mut b).await;
    // The one with the greater id gives the other time to dial first.
    c.sees_up(B).await;
    b.sees_up(C).await;
}

#[tokio::test]
async fn three_nodes_are_connected_each_with_each() {
    let (authority, mut a, mut b) = pair().await;
    let mut c = Node::start(authority.credentials(C));
    introduce(&a, A, &c, C);
    a.sees_up(C).await;
    c.sees_up(A).await;
    introduce(&b, B, &c, C);
    b.sees_up(C).await;
    c.sees_up(B).await;
    a.handle.send(C, numbered(1)).unwrap();
    expect_message(&mut c, A, numbered(1)).await;
    b.handle.send(C, numbered(2)).unwrap();
    expect_message(&mut c, B, numbered(2)).await;
}

#[tokio::test]
async fn a_silent_node_is_down_within_three_seconds_and_up_again_soon_after_it_speaks() {
    let (_authority, mut a, mut b) = two();
    let wire = Wire::to(b.address()).await;
    b.wants(A, a.address());
    a.wants(B, wire.address);
    meet(&mut a, &mut b).await;
    wire.cut();
    let cut = Instant::now();
    a.sees_down(B).await;
    b.sees_down(A).await;
    assert!(cut.elapsed() < NOTICED, "{:?}", cut.elapsed());
    // However long it was away.
    while cut.elapsed() < 2 * NOTICED {
        a.sees_nothing().await;
    }
    wire.heal();
    let healed = Instant::now();
    meet(&mut a, &mut b).await;
    assert!(healed.elapsed() < FOUND, "{:?}", healed.elapsed());
    hears(&mut b, &a).await;
}

#[tokio::test]
async fn a_quiet_connection_stays_up() {
    let (_authority, mut a, mut b) = pair().await;
    let begin = Instant::now();
    while begin.elapsed() < NOTICED {
        a.sees_nothing().await;
    }
    b.sees_nothing().await;
}

#[tokio::test]
async fn a_node_that_stops_says_so_and_is_found_again_when_it_starts() {
    let (authority, mut a, b) = pair().await;
    let address = b.address();
    let stopped = Instant::now();
    b.handle.close().await;
    drop(b);
    a.sees_down(B).await;
    assert!(stopped.elapsed() < Duration::from_secs(2), "{:?}", stopped.elapsed());
    let mut b = Node::start_at(address, || authority.credentials(B)).await;
    b.wants(A, a.address());
    meet(&mut a, &mut b).await;
    hears(&mut b, &a).await;
}

#[tokio::test]
async fn a_removed_node_is_disconnected_and_stays_so() {
    let (_authority, mut a, mut b) = pair().await;
    a.unwants(B);
    a.sees_down(B).await;
    b.sees_down(A).await;
    b.hears_no_member(A).await;
    b.sees_nothing().await;
    a.lets_nobody_in().await;
    a.wants(B, b.address());
    meet(&mut a, &mut b).await;
}

#[tokio::test]
async fn who_was_removed_while_it_was_away_is_told_when_it_asks() {
    let (_authority, a, mut b) = two();
    // B waits to be dialled, and A does not know it.
    b.wants(A, a.address());
    let (asking, until) = (is_answered(b.handle.clone()), b.hears_no_member(A));
    tokio::select! {
        () = until => {}
        () = asking => panic!("A answers whom it does not know"),
    }
}

#[tokio::test]
async fn who_is_not_dialled_dials_after_a_while() {
    let (_authority, mut a, mut b) = two();
    let _nowhere = dials_in_vain(&a, &b).await;
    tokio::time::timeout(DEADLINE, is_answered(b.handle.clone())).await.unwrap();
    meet(&mut a, &mut b).await;
}

#[tokio::test]
async fn a_node_that_moved_is_found_at_its_new_address() {
    let (authority, mut a, b) = pair().await;
    b.handle.close().await;
    a.sees_down(B).await;
    let mut b = Node::start(authority.credentials(B));
    introduce(&a, A, &b, B);
    meet(&mut a, &mut b).await;
    hears(&mut b, &a).await;
}

#[tokio::test]
async fn who_has_another_address_is_there_at_once_though_others_dial_the_old_one() {
    let (_authority, mut a, mut b) = two();
    let _nowhere = dials_in_vain(&a, &b).await;
    b.sees_nothing().await;
    b.handle.reconnect().await;
    let asked = Instant::now();
    meet(&mut a, &mut b).await;
    assert!(asked.elapsed() < FOUND, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn whoever_is_no_peer_is_never_told_of() {
    let (_authority, mut a, mut b) = two();
    a.wants(B, b.address());
    a.hears_no_member(B).await;
    b.refuses(Some(A), Refusal::NoMember).await;
    b.lets_nobody_in().await;
}

#[tokio::test]
async fn a_node_at_anothers_address_is_not_taken_for_it() {
    let authority = Authority::new();
    let mut a = Node::start(authority.credentials(A));
    let mut c = Node::start(authority.credentials(C));
    c.wants(A, a.address());
    a.wants(B, c.address());
    a.refuses(Some(B), Refusal::Foreign).await;
    a.lets_nobody_in().await;
    c.sees_nothing().await;
}

#[tokio::test]
async fn a_node_with_a_certificate_of_another_ca_is_refused() {
    let mut a = Node::start(Authority::new().credentials(A));
    let mut b = Node::start(Authority::new().credentials(B));
    introduce(&a, A, &b, B);
    a.refuses(Some(B), Refusal::Foreign).await;
    a.lets_nobody_in().await;
    b.lets_nobody_in().await;
}

#[tokio::test]
async fn a_node_that_believes_another_ca_is_refused_by_those_who_do_not() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let mut foreign = theirs.credentials(A);
    foreign.roots = vec![ours.certificate.clone()];
    let a = Node::start(foreign);
    let mut b = Node::start(ours.credentials(B));
    introduce(&a, A, &b, B);
    b.refuses(None, Refusal::Foreign).await;
    b.lets_nobody_in().await;
}
