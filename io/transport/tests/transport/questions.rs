//! Requests and followed registries.

use tokio::time::timeout;
use weft_registry::{Change, Command, Entry, Outcome, Snapshot};
use weft_transport::{
    CONSENSUS_LONGEST, MeshEvent, Request, RequestError, Response, Secret, WatchItem,
};

use crate::world::{A, B, C, DEADLINE, pair};

fn request() -> Request {
    Request::Command(Command::RemoveNode { id: C, force: false })
}

#[tokio::test]
async fn a_request_gets_its_response() {
    let (_authority, a, mut b) = pair().await;
    let asked = tokio::spawn({
        let handle = a.handle.clone();
        async move { handle.request(B, request()).await }
    });
    let MeshEvent::Asked(by, heard, reply) = b.next().await else { panic!("no question") };
    assert_eq!((by, heard), (A, request()));
    reply.send(Response::Outcome(Outcome::Done, 42)).unwrap();
    assert_eq!(asked.await.unwrap().unwrap(), Response::Outcome(Outcome::Done, 42));
}

#[tokio::test]
async fn a_node_is_inspected_with_whatever_bytes_its_owner_understands() {
    let (_authority, a, mut b) = pair().await;
    let question = Request::Inspect { question: vec![0, 255, 7] };
    let asked = tokio::spawn({
        let (handle, question) = (a.handle.clone(), question.clone());
        async move { handle.request(B, question).await }
    });
    let MeshEvent::Asked(by, heard, reply) = b.next().await else { panic!("no question") };
    assert_eq!((by, heard), (A, question));
    let seen = Response::Inspected { answer: vec![9; 100_000] };
    reply.send(seen.clone()).unwrap();
    assert_eq!(asked.await.unwrap().unwrap(), seen);
}

#[tokio::test]
async fn managers_consult_each_other_and_share_the_authority() {
    let (_authority, a, mut b) = pair().await;
    let key = Secret("-----BEGIN PRIVATE KEY-----".into());
    let etcd = Some(Secret("PRIVATE, too".into()));
    let authority = Response::Authority { pem: key, etcd };
    let questions = [
        (
            Request::Consensus { message: vec![7; 5 << 20] },
            Response::Consensus { answer: vec![8, 0, 255] },
        ),
        (Request::Authority, authority.clone()),
    ];
    for (question, answer) in questions {
        let asked = tokio::spawn({
            let (handle, question) = (a.handle.clone(), question.clone());
            async move { handle.request(B, question).await }
        });
        let MeshEvent::Asked(by, heard, reply) = b.next().await else { panic!("no question") };
        assert!(by == A && heard == question);
        reply.send(answer.clone()).unwrap();
        assert_eq!(asked.await.unwrap().unwrap(), answer);
    }
    assert!(!format!("{authority:?}").contains("PRIVATE"));
}

#[tokio::test]
async fn a_manager_s_message_that_is_too_long_is_not_handed_on() {
    let (_authority, a, mut b) = pair().await;
    let message = vec![0; CONSENSUS_LONGEST + 1];
    let asked = a.handle.request(B, Request::Consensus { message }).await;
    assert_eq!(asked, Ok(Response::NotManager { managers: vec![] }));
    b.sees_nothing().await;
}

#[tokio::test]
async fn a_question_that_waits_delays_no_other() {
    let (_authority, a, mut b) = pair().await;
    let ask = |csr: u8| {
        let handle = b.handle.clone();
        tokio::spawn(async move { handle.request(A, Request::Renew { csr_der: vec![csr] }).await })
    };
    let mut a = a;
    let first = ask(1);
    let MeshEvent::Asked(_, _, waiting) = a.next().await else { panic!("no question") };
    let second = ask(2);
    let MeshEvent::Asked(by, heard, reply) = a.next().await else { panic!("no question") };
    assert_eq!((by, heard), (B, Request::Renew { csr_der: vec![2] }));
    let refused = Response::Refused { error: "no".into(), hint: "ask again".into() };
    reply.send(refused.clone()).unwrap();
    assert_eq!(second.await.unwrap().unwrap(), refused);
    let third = ask(3);
    let MeshEvent::Asked(_, _, reply) = a.next().await else { panic!("no question") };
    let failed = Response::Failed { error: "?".into(), hint: "look".into(), perhaps: true };
    reply.send(failed.clone()).unwrap();
    assert_eq!(third.await.unwrap().unwrap(), failed);
    let chain = Response::Certificate { chain: vec![vec![1, 2], vec![3]] };
    waiting.send(chain.clone()).unwrap();
    assert_eq!(first.await.unwrap().unwrap(), chain);
    b.sees_nothing().await;
}

#[tokio::test]
async fn who_does_not_serve_a_request_is_no_manager() {
    let (_authority, a, mut b) = pair().await;
    let asked = tokio::spawn(async move { a.handle.request(B, request()).await });
    let MeshEvent::Asked(_, _, reply) = b.next().await else { panic!("no question") };
    drop(reply);
    assert_eq!(asked.await.unwrap().unwrap(), Response::NotManager { managers: vec![] });
}

#[tokio::test]
async fn a_request_ends_with_its_connection_and_needs_one() {
    let (_authority, a, mut b) = pair().await;
    assert_eq!(a.handle.request(C, request()).await, Err(RequestError::NotConnected));
    let handle = a.handle.clone();
    let asked = tokio::spawn(async move { handle.request(B, request()).await });
    let MeshEvent::Asked(_, _, _waiting) = b.next().await else { panic!("no question") };
    b.handle.close().await;
    assert_eq!(timeout(DEADLINE, asked).await.unwrap().unwrap(), Err(RequestError::Lost));
}

#[tokio::test]
async fn a_followed_registry_arrives_in_order_and_ends_when_it_is_no_longer_fed() {
    let (_authority, a, mut b) = pair().await;
    let mut items = a.handle.watch(B, 7).await.unwrap();
    let MeshEvent::Watch(by, after, feed) = b.next().await else { panic!("nobody follows") };
    assert_eq!((by, after), (A, 7));
    let entry = Entry { key: "/node/x".into(), value: vec![0, 255, 7], modified: 3 };
    let snapshot = WatchItem::Snapshot(Snapshot { revision: 9, entries: vec![entry] });
    feed.send(snapshot.clone()).await.unwrap();
    let change = |revision| {
        let value = (revision % 2 == 0).then(|| vec![1, 2]);
        WatchItem::Changes(vec![Change { revision, key: "/node/x".into(), value }])
    };
    let fed = tokio::spawn(async move {
        for revision in 10..1010 {
            feed.send(change(revision)).await.unwrap();
        }
    });
    assert_eq!(items.recv().await, Some(snapshot));
    for revision in 10..1010 {
        assert_eq!(items.recv().await, Some(change(revision)));
    }
    fed.await.unwrap();
    assert_eq!(timeout(DEADLINE, items.recv()).await.unwrap(), None);
}

#[tokio::test]
async fn a_followed_registry_ends_with_its_connection() {
    let (_authority, a, mut b) = pair().await;
    let mut items = a.handle.watch(B, 0).await.unwrap();
    let MeshEvent::Watch(_, _, _feed) = b.next().await else { panic!("nobody follows") };
    b.handle.close().await;
    assert_eq!(timeout(DEADLINE, items.recv()).await.unwrap(), None);
}

#[tokio::test]
async fn whoever_feeds_a_follower_learns_that_it_is_gone() {
    let (_authority, a, mut b) = pair().await;
    let items = a.handle.watch(B, 0).await.unwrap();
    let MeshEvent::Watch(_, _, feed) = b.next().await else { panic!("nobody follows") };
    drop(items);
    timeout(DEADLINE, feed.closed()).await.expect("the feeder is told");
}
