//! First hop: a workload asks for a name, and is told about the networks that it is on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::future::ready;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use nix::sys::signal::Signal;
use weft_e2e::{Cluster, Container, Kind, Over, Said, ask, eventually, holds};
use weft_kernel::Netns;
use weft_lab::{Host, INTERNET, NAME_SERVERS, Service};

/// Within this time a new name is known on all hosts.
const SOON: Duration = Duration::from_secs(5);
/// Within this time Docker has told of a change, on a busy machine.
const TOLD: Duration = Duration::from_secs(60);
/// An address of "the internet" that nobody has.
const NOBODY: &str = "198.51.100.99";
/// An answer of our own comes much sooner than this; a question that is lost is asked again later.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Asks by UDP and by TCP, which have to agree.
fn said(inside: &Netns, name: &str, kind: RecordType) -> Said {
    let by_datagram = ask(inside, name, kind, Over::Udp).unwrap();
    let by_stream = ask(inside, name, kind, Over::Tcp).unwrap();
    assert_eq!(by_datagram, by_stream, "{name} by UDP and by TCP");
    by_datagram
}

fn addresses(inside: &Netns, name: &str) -> Said {
    said(inside, name, RecordType::A)
}

fn names(inside: &Netns, address: &str) -> Said {
    let reversed: Vec<&str> = address.split('.').rev().collect();
    said(inside, &format!("{}.in-addr.arpa", reversed.join(".")), RecordType::PTR)
}

fn knows(inside: &Netns, name: &str) -> anyhow::Result<()> {
    let said = ask(inside, name, RecordType::A, Over::Udp)?;
    holds(!said.records.is_empty(), || format!("{name} is not known yet"))
}

async fn id(container: &Container<'_>) -> String {
    let id = container.host.docker(&["inspect", "-f", "{{.Id}}", &container.name]).await.unwrap();
    id[..12].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_finds_the_names_of_its_networks_and_no_others() {
    let cluster = Cluster::up(2, Kind::Docker).await.unwrap();
    for (name, how) in [("app", None), ("other", None), ("vault", Some("--internal"))] {
        cluster.network(name, how.as_slice()).await.unwrap();
    }
    let (h1, h2) = (cluster.host("h1").unwrap(), cluster.host("h2").unwrap());
    let alias = ["--network-alias", "postgres", "--network-alias", "sql"];
    let (c1, db, web1, web2, o1, v1, v2) = tokio::try_join!(
        Container::start(h1, "app", "c1", &[]),
        Container::start(h2, "app", "db", &alias),
        Container::start(h1, "app", "web", &[]),
        Container::start(h2, "app", "web", &[]),
        Container::start(h1, "other", "o1", &[]),
        Container::start(h1, "vault", "v1", &[]),
        Container::start(h2, "vault", "v2", &[]),
    )
    .unwrap();
    let plain = cluster.plain("h2", "app", "p1", &["--alias", "worker"]).await.unwrap();
    let at_c1 = c1.netns().await.unwrap();
    let db_address = db.address("app").await.unwrap();
    let web = [web1.address("app").await.unwrap(), web2.address("app").await.unwrap()];
    let (db_is, plain_is) = ([db_address.clone()], [plain.address.to_string()]);
    let nothing = Said::nothing(ResponseCode::NXDomain);

    // From a container and from a plain workload alike, about containers on both hosts.
    for inside in [&at_c1, &plain.netns] {
        // What Docker tells last are a container's further names.
        let short = id(&db).await;
        for name in ["db", "postgres", "sql", &short] {
            eventually(SOON, || ready(finds(inside, name, &db_is))).await.unwrap();
        }
        for name in ["p1", "worker"] {
            eventually(SOON, || ready(finds(inside, name, &plain_is))).await.unwrap();
        }
        eventually(SOON, || ready(finds(inside, "web", &web))).await.unwrap();
        for name in ["db", "DB", "db.app", "postgres", "postgres.app", "sql", &short] {
            assert_eq!(addresses(inside, name), Said::found([&db_address]), "{name}");
        }
        for name in ["web", "web.app"] {
            assert_eq!(addresses(inside, name), Said::found(&web), "{name}");
        }
        for name in ["p1", "worker", "worker.app"] {
            assert_eq!(addresses(inside, name), Said::found([plain.address]), "{name}");
        }
        assert_eq!(names(inside, &db_address), Said::found(["db.app."]));
        assert_eq!(names(inside, &plain.address.to_string()), Said::found(["p1.app."]));
        // A name of ours without an address of the kind is not asked for elsewhere.
        let began = Instant::now();
        let empty = Said::nothing(ResponseCode::NoError);
        assert_eq!(said(inside, "db", RecordType::AAAA), empty);
        assert_eq!(said(inside, "postgres.app", RecordType::AAAA), empty);
        assert!(began.elapsed() < AT_ONCE, "{:?} for what is known here", began.elapsed());
        // What is not ours goes on.
        assert_eq!(addresses(inside, "outside.test"), Said::found([INTERNET]));
        for name in ["nobody", "nobody.app", "nobody.test", "o1", "o1.other", "v1", "v2.vault"] {
            assert_eq!(addresses(inside, name), nothing, "{name}");
        }
    }

    knows_nothing_of_app(&o1, &db_address).await;
    asks_nobody_outside(&v1, &v2).await;
    cluster.down().await.unwrap();
}

fn finds(inside: &Netns, name: &str, expected: &[String]) -> anyhow::Result<()> {
    let said = ask(inside, name, RecordType::A, Over::Udp)?;
    holds(said == Said::found(expected), || format!("{name} is {said:?}"))
}

/// On another network nothing of all that is known.
async fn knows_nothing_of_app(o1: &Container<'_>, db_address: &str) {
    let nothing = Said::nothing(ResponseCode::NXDomain);
    let at_o1 = o1.netns().await.unwrap();
    eventually(SOON, || ready(knows(&at_o1, "o1.other"))).await.unwrap();
    for name in ["c1", "db", "db.app", "postgres", "web", "web.app", "p1", "v1.vault"] {
        assert_eq!(addresses(&at_o1, name), nothing, "{name}");
    }
    assert_eq!(names(&at_o1, db_address), nothing);
}

/// A network without a way out finds its own, and asks nobody outside.
async fn asks_nobody_outside(v1: &Container<'_>, v2: &Container<'_>) {
    let nothing = Said::nothing(ResponseCode::NXDomain);
    let at_v1 = v1.netns().await.unwrap();
    let there = [v2.address("vault").await.unwrap()];
    eventually(SOON, || ready(finds(&at_v1, "v2.vault", &there))).await.unwrap();
    let began = Instant::now();
    for name in ["outside.test", "db.app", "nobody"] {
        assert_eq!(addresses(&at_v1, name), nothing, "{name}");
    }
    assert!(began.elapsed() < AT_ONCE, "{:?} for what is asked nowhere", began.elapsed());
}

/// What only a server beyond can know does not pass Docker's resolver, as long as that knows no more.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_from_outside_is_found_while_docker_sleeps() {
    let cluster = Cluster::up(1, Kind::Docker).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let h1 = cluster.host("h1").unwrap();
    h1.docker(&["network", "create", "own"]).await.unwrap();
    let servers = NAME_SERVERS.map(|server| server.to_string());
    let web = Container::start(h1, "app", "web", &["--dns", &servers[0]]).await.unwrap();
    let second = ["--dns", NOBODY, "--dns", &servers[1]];
    let poor = Container::start(h1, "app", "poor", &second).await.unwrap();
    let mate = Container::start(h1, "own", "mate", &[]).await.unwrap();
    let (at_web, at_poor) = (web.netns().await.unwrap(), poor.netns().await.unwrap());
    for inside in [&at_web, &at_poor] {
        eventually(TOLD, || without_docker(h1, || goes_beyond(inside))).await.unwrap();
    }

    // On a network of Docker's own it knows more, and only it.
    h1.docker(&["network", "connect", "own", "web"]).await.unwrap();
    let stays = || {
        let said = ask(&at_web, "outside.test", RecordType::A, Over::Udp);
        holds(!matches!(said, Ok(said) if !said.records.is_empty()), || {
            "docker was not asked".into()
        })
    };
    eventually(TOLD, || without_docker(h1, stays)).await.unwrap();
    let there = [mate.address("own").await.unwrap()];
    for name in ["mate", "mate.own"] {
        eventually(SOON, || ready(finds(&at_web, name, &there))).await.unwrap();
    }
    assert_eq!(addresses(&at_web, "outside.test"), Said::found([INTERNET]));

    h1.docker(&["network", "disconnect", "own", "web"]).await.unwrap();
    eventually(TOLD, || without_docker(h1, || goes_beyond(&at_web))).await.unwrap();
    cluster.down().await.unwrap();
}

fn goes_beyond(inside: &Netns) -> anyhow::Result<()> {
    finds(inside, "outside.test", &[INTERNET.to_string()])
}

/// Asks while dockerd, and so its resolver, is stopped.
async fn without_docker(host: &Host, asks: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<()> {
    host.signal(Service::Docker, Signal::SIGSTOP).await?;
    let said = asks();
    host.signal(Service::Docker, Signal::SIGCONT).await?;
    said
}
