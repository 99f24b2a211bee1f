//! Clients that mean no good.
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

use hickory_proto::rr::RecordType;
use proptest::prelude::{any, prop};
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use weft_resolver::{IDLE, MAX_CONNECTIONS, Outcome};
use world::{PATIENCE, World, question, read, texts, with_edns, write};

#[test]
fn after_any_bytes_the_next_question_is_answered() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let world = runtime.block_on(async { World::new() });
    let whole = question("web.", RecordType::A).to_vec().unwrap();
    let noise = prop::collection::vec(any::<u8>(), 0..600);
    let broken = (0..whole.len(), any::<u8>(), any::<bool>());
    let mut runner = TestRunner::new(Config::with_cases(512));
    runner
        .run(&(noise, broken), |(noise, (at, byte, cut))| {
            let mut broken = whole.clone();
            broken[at] = byte;
            broken.truncate(if cut { at } else { broken.len() });
            runtime.block_on(survives(&world, &noise));
            runtime.block_on(survives(&world, &broken));
            Ok(())
        })
        .unwrap();
}

async fn survives(world: &World, bytes: &[u8]) {
    world.client().await.send(bytes).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    write(&mut stream, bytes).await;
    drop(stream);
    assert_eq!(texts(&world.ask("web.", RecordType::A).await).len(), 2);
}

#[tokio::test]
async fn a_client_that_says_nothing_more_is_hung_up_on() {
    let world = World::new();
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    write(&mut stream, &question("web.", RecordType::A).to_vec().unwrap()).await;
    drop(read(&mut stream).await);
    let started = tokio::time::Instant::now();
    // A byte of a length that never ends does not count as saying something.
    stream.write_all(&[0]).await.unwrap();
    let ended = tokio::time::timeout(IDLE * 2, stream.read(&mut [0; 1])).await.unwrap();
    assert_eq!(ended.unwrap_or(0), 0);
    assert!(started.elapsed() >= IDLE / 2);
}

#[tokio::test]
async fn a_hoard_of_connections_leaves_udp_alone_and_waits_its_turn() {
    let world = World::new();
    let mut hoard = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        write(&mut stream, &question("web.", RecordType::A).to_vec().unwrap()).await;
        drop(read(&mut stream).await);
        hoard.push(stream);
    }
    assert_eq!(texts(&world.ask("web.", RecordType::A).await).len(), 2);
    let mut late = TcpStream::connect(world.address).await.unwrap();
    write(&mut late, &question("web.", RecordType::A).to_vec().unwrap()).await;
    drop(hoard.pop());
    assert!(!read(&mut late).await.is_empty(), "served once another has gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_costs_its_own_container_and_is_counted() {
    let world = World::new();
    let neighbor = world.neighbor();
    let flood = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    flood.connect(world.address).unwrap();
    flood.set_nonblocking(true).unwrap();
    let bytes = question("web.", RecordType::A).to_vec().unwrap();
    let began = std::time::Instant::now();
    while world.resolver.queries().get(Outcome::Dropped) == 0 {
        assert!(began.elapsed() < PATIENCE, "nothing of a flood is dropped");
        for _ in 0..10_000 {
            let _full = flood.send(&bytes);
        }
        assert_eq!(texts(&neighbor.exchange(&question("web.", RecordType::A)).await).len(), 2);
    }
    assert_eq!(world.resolver.queries().too_many(), world.resolver.queries().get(Outcome::Dropped));
    // What is left of the flood may fill the socket's queue yet.
    let answer = world.client().await.insist(&question("web.", RecordType::A)).await;
    assert_eq!(texts(&answer).len(), 2);
}

#[tokio::test]
async fn an_answer_over_udp_is_never_much_larger_than_what_was_offered() {
    let world = World::new();
    for offered in [None, Some(512), Some(1232), Some(u16::MAX)] {
        let plain = question("crowd.", RecordType::A);
        let asked = offered.map_or_else(|| plain.clone(), |size| with_edns(plain.clone(), size));
        let client = world.client().await;
        client.send(&asked.to_vec().unwrap()).await;
        let most = usize::from(offered.unwrap_or(512).min(4096));
        assert!(client.receive().await.len() <= most, "{offered:?}");
    }
}
