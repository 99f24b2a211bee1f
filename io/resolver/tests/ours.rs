//! Names of ours, over real sockets.
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

use std::collections::BTreeSet;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RecordType};
use weft_resolver::{Outcome, TTL};
use world::{World, on, question, texts, with_edns};

#[tokio::test]
async fn a_name_has_all_its_addresses_for_a_short_time() {
    let world = World::new();
    let reply = world.ask("web.", RecordType::A).await;
    assert_eq!(texts(&reply), ["10.7.0.2", "10.7.0.3"]);
    assert!(reply.answers.iter().all(|record| record.ttl == TTL));
    assert!(reply.metadata.authoritative && reply.metadata.recursion_available);
    assert!(!reply.metadata.truncation);
    assert_eq!(texts(&world.ask("web.app.", RecordType::AAAA).await), ["fd00::2"]);
    world.counted(&[(Outcome::Answered, 2)]);
}

#[tokio::test]
async fn addresses_come_in_changing_order() {
    let world = World::new();
    let mut firsts = BTreeSet::new();
    for _ in 0..64 {
        let reply = world.ask("web.", RecordType::A).await;
        firsts.insert(reply.answers[0].data.to_string());
    }
    assert_eq!(firsts.len(), 2, "2 to the 63rd to one");
}

#[tokio::test]
async fn the_case_of_the_question_does_not_matter_and_comes_back_as_it_was() {
    let world = World::new();
    let reply = world.ask("WeB.ApP.", RecordType::A).await;
    assert_eq!(texts(&reply).len(), 2);
    assert_eq!(reply.queries[0].name().to_ascii(), "WeB.ApP.");
    assert_eq!(reply.answers[0].name.to_ascii(), "WeB.ApP.");
}

#[tokio::test]
async fn an_address_has_its_containers_full_name() {
    let world = World::new();
    let reply = world.ask("4.0.7.10.in-addr.arpa.", RecordType::PTR).await;
    assert_eq!(texts(&reply), ["db_1.app."]);
    let reply = world.ask("5.0.7.10.in-addr.arpa.", RecordType::PTR).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::NXDomain);
    world.counted(&[(Outcome::Answered, 1), (Outcome::Nonexistent, 1)]);
}

#[tokio::test]
async fn other_kinds_of_our_names_are_empty_and_never_forwarded() {
    let world = World::new();
    for kind in [RecordType::MX, RecordType::TXT, RecordType::HTTPS, RecordType::ANY] {
        let reply = world.ask("web.", kind).await;
        assert_eq!(reply.metadata.response_code, ResponseCode::NoError, "{kind}");
        assert!(reply.answers.is_empty(), "{kind}");
    }
    assert!(world.ask("db_1.", RecordType::AAAA).await.answers.is_empty());
    assert_eq!(*world.upstream.opened.lock().unwrap(), 0);
    world.counted(&[(Outcome::Empty, 5)]);
}

#[tokio::test]
async fn a_network_that_the_asker_left_is_silent_at_once() {
    let world = World::new();
    world.asker.send(on(&[2])).unwrap();
    let reply = world.ask("web.", RecordType::A).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(texts(&world.ask("safe.", RecordType::A).await), ["10.8.0.2"]);
    world.counted(&[(Outcome::Refused, 1), (Outcome::Answered, 1)]);
}

#[tokio::test]
async fn an_internal_network_asks_nobody_outside() {
    let world = World::new();
    world.asker.send(on(&[2])).unwrap();
    for kind in [RecordType::A, RecordType::TXT] {
        let reply = world.ask("secret.example.com.", kind).await;
        assert_eq!(reply.metadata.response_code, ResponseCode::NXDomain);
        let reply = world.ask_tcp("secret.example.com.", kind).await;
        assert_eq!(reply.metadata.response_code, ResponseCode::NXDomain);
    }
    assert_eq!(*world.upstream.opened.lock().unwrap(), 0);
}

#[tokio::test]
async fn what_does_not_fit_is_cut_and_whole_over_tcp() {
    let world = World::new();
    let client = world.client().await;
    for (request, least, limit) in [
        (question("crowd.", RecordType::A), 29, 512),
        (with_edns(question("crowd.", RecordType::A), 1232), 73, 1232),
        (with_edns(question("crowd.", RecordType::A), 100), 29, 512),
    ] {
        client.send(&request.to_vec().unwrap()).await;
        let bytes = client.receive().await;
        assert!(bytes.len() <= limit, "{} > {limit}", bytes.len());
        let reply = Message::from_vec(&bytes).unwrap();
        assert!(reply.metadata.truncation);
        assert!(reply.answers.len() >= least, "{} < {least}", reply.answers.len());
    }
    let large = client.exchange(&with_edns(question("crowd.", RecordType::A), 4096)).await;
    assert_eq!((large.answers.len(), large.metadata.truncation), (200, false));
    let whole = world.ask_tcp("crowd.", RecordType::A).await;
    assert_eq!((whole.answers.len(), whole.metadata.truncation), (200, false));
}

#[tokio::test]
async fn edns_is_answered_with_edns_and_only_then() {
    let world = World::new();
    let client = world.client().await;
    assert!(client.exchange(&question("web.", RecordType::A)).await.edns.is_none());
    let mut request = with_edns(question("web.", RecordType::A), 1232);
    request.edns.as_mut().unwrap().set_dnssec_ok(true);
    let edns = client.exchange(&request).await.edns.unwrap();
    assert_eq!((edns.version(), edns.max_payload(), edns.flags().dnssec_ok), (0, 4096, true));
    request.edns.as_mut().unwrap().set_version(1);
    let reply = client.exchange(&request).await;
    assert_eq!(u16::from(reply.metadata.response_code), 16, "BADVERS, which TSIG calls BADSIG");
    assert_eq!(reply.edns.unwrap().version(), 0);
}

#[tokio::test]
async fn what_is_no_question_is_told_so_or_left_alone() {
    let world = World::new();
    let client = world.client().await;

    client.send(b"short").await;
    let mut answer = question("web.", RecordType::A);
    answer.metadata.message_type = MessageType::Response;
    client.send(&answer.to_vec().unwrap()).await;

    let mut garbage = question("web.", RecordType::A).to_vec().unwrap();
    garbage.truncate(14);
    client.send(&garbage).await;
    let reply = Message::from_vec(&client.receive().await).unwrap();
    assert_eq!(reply.metadata.response_code, ResponseCode::FormErr, "the first that is answered");

    let mut two = question("web.", RecordType::A);
    two.add_query(Query::query(Name::from_ascii("db_1.").unwrap(), RecordType::A));
    assert_eq!(client.exchange(&two).await.metadata.response_code, ResponseCode::FormErr);
    let mut none = question("web.", RecordType::A);
    none.queries.clear();
    assert_eq!(client.exchange(&none).await.metadata.response_code, ResponseCode::FormErr);
    let mut update = question("web.", RecordType::A);
    update.metadata.op_code = OpCode::Status;
    assert_eq!(client.exchange(&update).await.metadata.response_code, ResponseCode::NotImp);
    world.counted(&[(Outcome::Malformed, 6)]);
}

#[tokio::test]
async fn another_class_of_our_names_is_empty() {
    let world = World::new();
    let mut request = question("web.", RecordType::A);
    request.queries[0].set_query_class(DNSClass::CH);
    let reply = world.client().await.exchange(&request).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::NoError);
    world.counted(&[(Outcome::Empty, 1)]);
}

#[tokio::test]
async fn a_label_with_a_dot_inside_is_not_two_labels() {
    let world = World::new();
    world.asker.send(on(&[1, 2])).unwrap();
    let mut request = question("web.", RecordType::A);
    let odd = Name::from_labels([&b"web.app"[..]]).unwrap();
    request.queries[0].set_name(odd);
    let reply = world.client().await.exchange(&request).await;
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail, "forwarded to nowhere");
}

#[tokio::test]
async fn a_stopped_server_closes_its_sockets() {
    let world = World::new();
    world.stop.cancel();
    world.task.await.unwrap();
    std::net::UdpSocket::bind(world.address).unwrap();
    std::net::TcpListener::bind(world.address).unwrap();
}
