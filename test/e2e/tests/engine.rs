//! Docker's Engine ends and comes back, and the cluster with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use weft_e2e::{Cluster, Container, Kind, Pinging, eventually, holds};
use weft_lab::Spec;

/// Within this time after dockerd answers, the cluster agrees with it.
const AGREED: Duration = Duration::from_secs(30);
/// The agent is down for so long while dockerd starts.
const AWAY: Duration = Duration::from_secs(3);
/// Started again by Docker itself, and stopped without waiting.
const ALWAYS: &[&str] = &["--restart", "always", "--stop-signal", "KILL"];

#[tokio::test(flavor = "multi_thread")]
async fn with_live_restore_no_packet_is_lost_while_dockerd_is_away() {
    let cluster = Cluster::up(2, Kind::LiveRestore).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    let c2 = cluster.container("h2", "app", "c2").await.unwrap();
    let before = addresses(&cluster, &c2).await.unwrap();
    let c1_address = c1.address("app").await.unwrap();
    let c2_address = c2.address("app").await.unwrap();
    let pings = Pinging::start(&c1.netns().await.unwrap(), c2_address.parse().unwrap()).unwrap();

    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        c1.host.stop_docker(signal).await.unwrap();
        assert_eq!(c2.resolve("c1").await.unwrap(), [c1_address.as_str()], "dockerd is away");
        c1.host.start_docker().await.unwrap();
        assert_eq!(c1.resolve("c2").await.unwrap(), [c2_address.as_str()]);
        assert_eq!(c2.resolve("c1").await.unwrap(), [c1_address.as_str()]);
    }
    let c3 = cluster.container("h1", "app", "c3").await.unwrap();
    assert!(!before.contains(&c3.address("app").await.unwrap()), "an address twice");
    assert_eq!(c2.ping("c3", 2).await.unwrap().received, 2);
    c3.remove().await.unwrap();
    eventually(AGREED, || async {
        let after = addresses(&cluster, &c2).await?;
        holds(after == before, || format!("{after:?} instead of {before:?}"))
    })
    .await
    .unwrap();
    let pings = pings.finish().unwrap();
    println!("{} pings, longest silence {:?}", pings.sent, pings.silence);
    assert_eq!(pings.lost, [0_u16; 0]);
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_live_restore_what_docker_starts_again_is_found_and_nothing_else_is() {
    let cluster = Cluster::up(2, Kind::Docker).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let h1 = cluster.host("h1").unwrap();
    let c1 = Container::start(h1, "app", "c1", ALWAYS).await.unwrap();
    let gone = Container::start(h1, "app", "gone", &["--stop-signal", "KILL"]).await.unwrap();
    let c2 = cluster.container("h2", "app", "c2").await.unwrap();

    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let old = [c1.address("app").await.unwrap(), gone.address("app").await.unwrap()];
        let began = Instant::now();
        h1.restart_docker(signal).await.unwrap();
        println!("{signal}: dockerd answers after {:?}", began.elapsed());
        let began = Instant::now();
        eventually(AGREED, || found_again(&cluster, &c1, &c2)).await.unwrap();
        println!("{signal}: the cluster agrees {:?} later", began.elapsed());
        assert_eq!(c2.resolve("gone").await.unwrap(), [""; 0]);
        assert_eq!(c2.ping("c1", 2).await.unwrap().received, 2);
        let now = c1.address("app").await.unwrap();
        for address in old.iter().filter(|address| **address != now) {
            is_free_again(&cluster, address).await;
        }
        h1.docker(&["start", "gone"]).await.unwrap();
    }
    cluster.down().await.unwrap();
}

/// Both hosts know c1 and c2 where they are now, and nobody else.
async fn found_again(
    cluster: &Cluster,
    c1: &Container<'_>,
    c2: &Container<'_>,
) -> anyhow::Result<()> {
    let (a1, a2) = (c1.address("app").await?, c2.address("app").await?);
    let expected = BTreeSet::from([a1.clone(), a2.clone()]);
    for container in [c1, c2] {
        let known = addresses(cluster, container).await?;
        let name = container.host.name();
        holds(known == expected, || format!("{name} knows {known:?}, not {expected:?}"))?;
    }
    let (r1, r2) = (c2.resolve("c1").await?, c1.resolve("c2").await?);
    holds(r1 == [a1.as_str()] && r2 == [a2.as_str()], || format!("c1 is {r1:?}, c2 is {r2:?}"))
}

/// A container may have it once it has rested.
async fn is_free_again(cluster: &Cluster, address: &str) {
    let host = cluster.host("h1").unwrap();
    let wanted = ["--ip", address, "--stop-signal", "KILL"];
    let taken = eventually(AGREED, || async {
        host.exec(&["docker", "rm", "-f", "next"]).await?;
        Container::start(host, "app", "next", &wanted).await
    });
    taken.await.unwrap().remove().await.unwrap();
}

/// All addresses that a container's host knows.
async fn addresses(
    cluster: &Cluster,
    container: &Container<'_>,
) -> anyhow::Result<BTreeSet<String>> {
    let endpoints = cluster.endpoints(container.host).await?;
    Ok(endpoints.iter().flat_map(|e| &e.addresses).map(ToString::to_string).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn dockerd_waits_on_a_socket_that_the_host_holds_and_starts_its_containers() {
    let spec = Spec { hosts: 2, docker: true, socket_activation: true, ..Spec::default() };
    let cluster = Cluster::up_in(spec).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let h1 = cluster.host("h1").unwrap();
    let c1 = Container::start(h1, "app", "c1", ALWAYS).await.unwrap();
    let c2 = cluster.container("h2", "app", "c2").await.unwrap();

    h1.stop_docker(Signal::SIGTERM).await.unwrap();
    h1.kill_agent().await.unwrap();
    let agent_after_a_while = async {
        tokio::time::sleep(AWAY).await;
        h1.start_agent().await
    };
    let began = Instant::now();
    let (started, agent) = tokio::join!(h1.start_docker(), agent_after_a_while);
    println!("dockerd answers after {:?}", began.elapsed());
    agent.unwrap();
    started.unwrap();
    assert!(began.elapsed() >= AWAY, "dockerd did not wait for the agent");
    let running = h1.docker(&["inspect", "-f", "{{.State.Running}} {{.State.Error}}", "c1"]);
    assert_eq!(running.await.unwrap().trim(), "true");
    eventually(AGREED, || found_again(&cluster, &c1, &c2)).await.unwrap();
    assert_eq!(c2.ping("c1", 2).await.unwrap().received, 2);
    cluster.down().await.unwrap();
}
