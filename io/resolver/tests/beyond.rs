//! Names that only servers beyond can know, asked of them past the asker's own resolver.
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
use std::net::SocketAddr;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use tokio::net::{TcpListener, UdpSocket};
use weft_resolver::{MAX_IN_FLIGHT, Outcome};
use world::{World, answer_to, own_loopback, question, read, receive, texts, write};

/// As `io/resolver/src/lines.rs` has it.
const CARRIES: usize = 64;

#[tokio::test]
async fn a_name_of_several_labels_goes_beyond_and_a_bare_label_to_the_own_resolver() {
    let world = World::new();
    let [server, own] = [server().await, server().await];
    lead(&world, &[&server], Some(&own));
    for (name, to) in [
        ("example.com.", &server),
        ("9.2.0.192.in-addr.arpa.", &server),
        ("nobody.", &own),
        ("nobody.app.", &own),
    ] {
        let (reply, asked) = tokio::join!(world.ask(name, RecordType::A), answer(to));
        assert_eq!((texts(&reply), asked.name), (vec!["192.0.2.80".into()], name.to_owned()));
    }
    world.counted(&[(Outcome::Forwarded, 4)]);
    // What is known is known, and a former choice binds nobody.
    assert_eq!(texts(&world.ask("web.app.", RecordType::A).await).len(), 2);
    world.asker.send_modify(|asker| asker.beyond.clear());
    let (_, asked) = tokio::join!(world.ask("two.example.", RecordType::A), answer(&own));
    assert_eq!(asked.name, "two.example.");
}

#[tokio::test]
async fn a_question_over_tcp_goes_to_the_own_resolver() {
    let world = World::new();
    let server = server().await;
    lead(&world, &[&server], None);
    let listener = TcpListener::bind((own_loopback(), 0)).await.unwrap();
    world.upstream.lead_to(listener.local_addr().unwrap());
    let own = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = Message::from_vec(&read(&mut stream).await).unwrap();
        write(&mut stream, &answer_to(&asked).to_vec().unwrap()).await;
    };
    let (reply, ()) = tokio::join!(world.ask_tcp("example.com.", RecordType::A), own);
    assert_eq!(texts(&reply), ["192.0.2.80"]);
}

/// One that is silent, one that is not there, one that has no answer; each question starts anew.
#[tokio::test]
async fn the_servers_are_asked_in_their_order() {
    let world = World::new();
    let [silent, failing, last] = [server().await, server().await, server().await];
    let closed = closed().await;
    let beyond = [at(&silent), closed, at(&failing), at(&last)];
    world.asker.send_modify(|asker| asker.beyond = beyond.to_vec());
    for name in ["one.test.", "two.test."] {
        let servers = async {
            assert_eq!(name_of(&receive(&silent).await.0), name);
            fail(&failing, ResponseCode::ServFail).await;
            answer(&last).await
        };
        let (reply, asked) = tokio::join!(world.ask(name, RecordType::A), servers);
        assert_eq!((texts(&reply), asked.name.as_str()), (vec!["192.0.2.80".into()], name));
    }
    world.counted(&[(Outcome::Forwarded, 2)]);
}

#[tokio::test]
async fn after_the_last_server_the_own_resolver_is_asked() {
    for is_there in [true, false] {
        let world = World::new();
        let [silent, own] = [server().await, server().await];
        let beyond = if is_there { at(&silent) } else { closed().await };
        world.asker.send_modify(|asker| asker.beyond = vec![beyond]);
        world.upstream.lead_to(at(&own));
        let (reply, asked) = tokio::join!(world.ask("example.com.", RecordType::A), answer(&own));
        assert_eq!((texts(&reply).len(), asked.name.as_str()), (1, "example.com."));
    }
}

/// The own resolver would ask the same servers, and hear the same.
#[tokio::test]
async fn the_last_servers_refusal_is_the_answer() {
    let world = World::new();
    let [first, last] = [server().await, server().await];
    lead(&world, &[&first, &last], None);
    let servers = async {
        fail(&first, ResponseCode::Refused).await;
        fail(&last, ResponseCode::NotImp).await;
    };
    let (reply, ()) = tokio::join!(world.ask("example.com.", RecordType::A), servers);
    assert_eq!(reply.metadata.response_code, ResponseCode::NotImp);
    world.counted(&[(Outcome::Forwarded, 1)]);
    assert_eq!(*world.upstream.opened.lock().unwrap(), 0);
}

/// Some Engines ask the next server then, and some do not.
#[tokio::test]
async fn what_a_server_denies_that_has_another_one_behind_it_is_for_the_own_resolver_to_judge() {
    let world = World::new();
    let [first, last, own] = [server().await, server().await, server().await];
    lead(&world, &[&first, &last], Some(&own));
    let servers = async {
        fail(&first, ResponseCode::NXDomain).await;
        answer(&own).await
    };
    let (reply, asked) = tokio::join!(world.ask("example.com.", RecordType::A), servers);
    assert_eq!((texts(&reply).len(), asked.name.as_str()), (1, "example.com."));
    lead(&world, &[&last], None);
    let denied = fail(&last, ResponseCode::NXDomain);
    let (reply, ()) = tokio::join!(world.ask("example.com.", RecordType::A), denied);
    assert_eq!(reply.metadata.response_code, ResponseCode::NXDomain);
}

#[tokio::test]
async fn no_port_carries_many_questions() {
    let world = World::new();
    let server = server().await;
    lead(&world, &[&server], None);
    let (mut carried, mut ids) = (Vec::<(u16, usize)>::new(), BTreeSet::new());
    for serial in 0..5 * CARRIES {
        let name = format!("n{serial}.test.");
        let (_, asked) = tokio::join!(world.ask(&name, RecordType::A), answer(&server));
        let port = asked.from.port();
        match carried.last_mut() {
            Some((last, count)) if *last == port => *count += 1,
            // The kernel may draw one again that was in use a while ago.
            _ => carried.push((port, 1)),
        }
        ids.insert(asked.id);
    }
    assert!(carried.iter().all(|(_, count)| *count <= CARRIES), "{carried:?}");
    assert!(carried.len() >= 5, "{carried:?}");
    assert!(ids.len() > 4 * CARRIES, "{} ids", ids.len());
}

#[tokio::test]
async fn an_answer_is_taken_from_the_port_that_was_asked_by_alone() {
    let world = World::new();
    let server = server().await;
    lead(&world, &[&server], None);
    let client = world.client().await;
    client.send(&question("bank.test.", RecordType::A).to_vec().unwrap()).await;
    let (early, old) = receive(&server).await;
    let mut new = old;
    while new == old {
        let (_, asked) = tokio::join!(world.ask("n.test.", RecordType::A), answer(&server));
        new = asked.from;
    }
    // Right in everything but the port; then one that shows that the former port is still read.
    let mut forged = answer_to(&early);
    forged.metadata.response_code = ResponseCode::NXDomain;
    server.send_to(&forged.to_vec().unwrap(), new).await.unwrap();
    let (_, asked) = tokio::join!(world.ask("n.test.", RecordType::A), answer(&server));
    assert_eq!(asked.from, new, "it was read, and broke nothing");
    server.send_to(&answer_to(&early).to_vec().unwrap(), old).await.unwrap();
    let reply = Message::from_vec(&client.receive().await).unwrap();
    assert_eq!(reply.metadata.response_code, ResponseCode::NoError);
}

#[tokio::test]
async fn questions_beyond_are_bounded_together_with_all_others() {
    let world = World::new();
    let [server, own] = [server().await, server().await];
    lead(&world, &[&server], Some(&own));
    let client = world.client().await;
    for number in 0..MAX_IN_FLIGHT {
        let (name, to) =
            if number % 2 == 0 { ("example.com.", &server) } else { ("nobody.", &own) };
        client.send(&question(name, RecordType::A).to_vec().unwrap()).await;
        drop(receive(to).await);
    }
    let refused = client.exchange(&question("example.com.", RecordType::A)).await;
    assert_eq!(refused.metadata.response_code, ResponseCode::ServFail);
    assert_eq!(world.resolver.queries().get(Outcome::Overloaded), 1);
}

/// What a server was asked.
struct Asked {
    name: String,
    id: u16,
    from: SocketAddr,
}

async fn server() -> UdpSocket {
    UdpSocket::bind((own_loopback(), 0)).await.unwrap()
}

fn at(server: &UdpSocket) -> SocketAddr {
    server.local_addr().unwrap()
}

/// Nobody listens there.
async fn closed() -> SocketAddr {
    at(&server().await)
}

fn lead(world: &World, beyond: &[&UdpSocket], own: Option<&UdpSocket>) {
    let beyond = beyond.iter().map(|server| at(server)).collect();
    world.asker.send_modify(|asker| asker.beyond = beyond);
    if let Some(own) = own {
        world.upstream.lead_to(at(own));
    }
}

fn name_of(asked: &Message) -> String {
    asked.queries[0].name().to_ascii()
}

async fn answer(server: &UdpSocket) -> Asked {
    let (asked, from) = receive(server).await;
    server.send_to(&answer_to(&asked).to_vec().unwrap(), from).await.unwrap();
    Asked { name: name_of(&asked), id: asked.metadata.id, from }
}

async fn fail(server: &UdpSocket, code: ResponseCode) {
    let (asked, from) = receive(server).await;
    let mut reply = answer_to(&asked);
    reply.answers.clear();
    reply.metadata.response_code = code;
    server.send_to(&reply.to_vec().unwrap(), from).await.unwrap();
}
