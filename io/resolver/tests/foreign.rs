//! Names that are not ours: handed on, and what comes back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]
#![allow(
    dead_code,
    unreachable_pub,
    missing_debug_implementations,
    reason = "each test file uses a part of the world"
)]

mod world;

use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record, RecordType};
use tokio::net::{TcpListener, UdpSocket};
use weft_model::NetworkId;
use weft_resolver::{DEADLINE, MAX_IN_FLIGHT, Outcome};
use world::{OUTSIDE, World, answer_to, question, read, receive, texts, with_edns, write};

#[tokio::test]
async fn a_foreign_name_is_handed_on_and_its_answer_back() {
    let world = World::new();
    let server = upstream(&world).await;
    let upstream = tokio::spawn(async move { answer_next(&server, false).await });
    let reply = world.ask("example.com.", RecordType::A).await;
    assert_eq!(texts(&reply), ["192.0.2.80"]);
    let asked = upstream.await.unwrap();
    assert_eq!(asked.queries[0].name().to_ascii(), "example.com.");
    assert_ne!((asked.metadata.id, reply.metadata.id), (0x1234, 0), "one in 65,536 fails");
    world.counted(&[(Outcome::Forwarded, 1)]);
}

/// Docker's own resolver knows a container for as long as it takes to put it away.
#[tokio::test]
async fn an_address_of_what_has_ended_is_told_by_nobody() {
    let (world, elsewhere) = (World::new(), OUTSIDE.into());
    for (network, told, expected) in [
        (1, vec![], ResponseCode::NXDomain),
        (1, vec!["192.0.2.81"], ResponseCode::NoError),
        (2, vec!["192.0.2.80", "192.0.2.81"], ResponseCode::NoError),
    ] {
        world.zones.send_modify(|zones| {
            let ended = zones.iter().cloned().map(|mut zone| {
                let here = zone.network == NetworkId::from_random(network);
                zone.ended = here.then_some(elsewhere).into_iter().collect();
                zone
            });
            *zones = Arc::new(ended.collect());
        });
        let server = upstream(&world).await;
        let others = told.clone();
        let answering = tokio::spawn(async move {
            let (asked, from) = receive(&server).await;
            let mut reply = answer_to(&asked);
            if !others.is_empty() {
                let name = asked.queries[0].name().clone();
                reply.add_answer(Record::from_rdata(name, 60, RData::A(A([192, 0, 2, 81].into()))));
            }
            server.send_to(&reply.to_vec().unwrap(), from).await.unwrap();
        });
        let reply = world.ask("gone.", RecordType::A).await;
        answering.await.unwrap();
        assert_eq!(
            (texts(&reply), reply.metadata.response_code),
            (told.iter().map(ToString::to_string).collect(), expected)
        );
    }
}

#[tokio::test]
async fn a_truncated_answer_is_passed_on_as_it_is() {
    let world = World::new();
    let server = upstream(&world).await;
    let upstream = tokio::spawn(async move { answer_next(&server, true).await });
    let request = with_edns(question("example.com.", RecordType::A), 1400);
    let reply = world.client().await.exchange(&request).await;
    assert!(reply.metadata.truncation);
    assert_eq!(upstream.await.unwrap().edns.unwrap().max_payload(), 1400);
}

#[tokio::test]
async fn answers_find_their_askers_in_any_order() {
    let world = World::new();
    let server = upstream(&world).await;
    let (one, two) = (world.client().await, world.client().await);
    one.send(&question("one.test.", RecordType::A).to_vec().unwrap()).await;
    let first = receive(&server).await;
    two.send(&question("two.test.", RecordType::A).to_vec().unwrap()).await;
    let second = receive(&server).await;
    for (asked, from) in [second, first] {
        server.send_to(&answer_to(&asked).to_vec().unwrap(), from).await.unwrap();
    }
    for (client, name) in [(one, "one.test."), (two, "two.test.")] {
        let reply = Message::from_vec(&client.receive().await).unwrap();
        assert_eq!(reply.queries[0].name().to_ascii(), name);
        assert_eq!(reply.metadata.id, 0x1234);
    }
}

#[tokio::test]
async fn a_forged_answer_does_not_reach_the_asker() {
    let world = World::new();
    let server = upstream(&world).await;
    let client = world.client().await;
    client.send(&question("bank.test.", RecordType::A).to_vec().unwrap()).await;
    let (asked, from) = receive(&server).await;
    let mut forged = answer_to(&asked);
    forged.metadata.id = forged.metadata.id.wrapping_add(1);
    server.send_to(&forged.to_vec().unwrap(), from).await.unwrap();
    let mut other = answer_to(&question("other.test.", RecordType::A));
    other.metadata.id = asked.metadata.id;
    server.send_to(&other.to_vec().unwrap(), from).await.unwrap();
    server.send_to(&answer_to(&asked).to_vec().unwrap(), from).await.unwrap();
    let reply = Message::from_vec(&client.receive().await).unwrap();
    assert_eq!(reply.queries[0].name().to_ascii(), "bank.test.");
}

#[tokio::test]
async fn an_upstream_that_is_out_of_reach_is_told_at_once() {
    let world = World::new();
    let started = tokio::time::Instant::now();
    let reply = world.ask("example.com.", RecordType::A).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail);
    // A port that nobody listens on: the kernel refuses.
    let closed =
        std::net::UdpSocket::bind((world::own_loopback(), 0)).unwrap().local_addr().unwrap();
    world.upstream.lead_to(closed);
    let reply = world.ask("example.com.", RecordType::A).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail);
    let reply = world.ask_tcp("example.com.", RecordType::A).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail);
    assert!(started.elapsed() < DEADLINE);
    world.counted(&[(Outcome::Forwarded, 3), (Outcome::Unanswered, 3)]);
}

#[tokio::test]
async fn an_upstream_that_moved_is_found_by_the_question_that_missed_it() {
    let world = World::new();
    let old = upstream(&world).await;
    let first = tokio::spawn(async move { answer_next(&old, false).await });
    world.ask("one.test.", RecordType::A).await;
    first.await.unwrap();
    let new = upstream(&world).await;
    let second = tokio::spawn(async move { answer_next(&new, false).await });
    let reply = world.ask("two.test.", RecordType::A).await;
    assert_eq!(texts(&reply), ["192.0.2.80"], "the old socket was refused, a new one opened");
    second.await.unwrap();
    assert_eq!(*world.upstream.opened.lock().unwrap(), 2);
}

#[tokio::test]
async fn silence_ends_after_the_deadline() {
    let world = World::new();
    let server = upstream(&world).await;
    let started = tokio::time::Instant::now();
    let (udp, tcp) = tokio::join!(
        world.ask("example.com.", RecordType::A),
        world.ask_tcp_with_listener("example.com.")
    );
    assert_eq!(udp.metadata.response_code, ResponseCode::ServFail);
    assert_eq!(tcp.metadata.response_code, ResponseCode::ServFail);
    assert!(started.elapsed() >= DEADLINE);
    assert!(*world.upstream.failed.lock().unwrap() >= 2);
    drop(server);
}

#[tokio::test]
async fn too_many_questions_are_refused_while_ours_are_answered() {
    let world = World::new();
    let server = upstream(&world).await;
    let client = world.client().await;
    let bytes = question("example.com.", RecordType::A).to_vec().unwrap();
    for _ in 0..MAX_IN_FLIGHT {
        client.send(&bytes).await;
        drop(receive(&server).await);
    }
    let refused = client.exchange(&question("example.com.", RecordType::A)).await;
    assert_eq!(refused.metadata.response_code, ResponseCode::ServFail);
    assert_eq!(texts(&world.ask("web.", RecordType::A).await).len(), 2);
    assert_eq!(world.resolver.queries().get(Outcome::Overloaded), 1);
}

#[tokio::test]
async fn tcp_is_forwarded_over_tcp_and_the_connection_kept() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.upstream.lead_to(listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..2 {
            let asked = Message::from_vec(&read(&mut stream).await).unwrap();
            write(&mut stream, &answer_to(&asked).to_vec().unwrap()).await;
        }
    });
    let mut stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
    for name in ["one.test.", "web.", "two.test."] {
        write(&mut stream, &question(name, RecordType::A).to_vec().unwrap()).await;
        let reply = Message::from_vec(&read(&mut stream).await).unwrap();
        assert_eq!(reply.metadata.response_code, ResponseCode::NoError);
        assert!(!reply.answers.is_empty());
    }
    server.await.unwrap();
    assert_eq!(*world.upstream.opened.lock().unwrap(), 1);
}

impl World {
    /// Asks over TCP an upstream that accepts connections by the kernel and says nothing.
    async fn ask_tcp_with_listener(&self, name: &str) -> Message {
        let address = self.upstream.server.lock().unwrap().unwrap();
        let listener = TcpListener::bind(address).await.unwrap();
        let reply = self.ask_tcp(name, RecordType::A).await;
        drop(listener);
        reply
    }
}

async fn upstream(world: &World) -> UdpSocket {
    let server = UdpSocket::bind((world::own_loopback(), 0)).await.unwrap();
    world.upstream.lead_to(server.local_addr().unwrap());
    server
}

async fn answer_next(server: &UdpSocket, truncated: bool) -> Message {
    let (asked, from) = receive(server).await;
    let mut reply = answer_to(&asked);
    reply.metadata.truncation = truncated;
    server.send_to(&reply.to_vec().unwrap(), from).await.unwrap();
    asked
}
