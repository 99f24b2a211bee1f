//! A container ends, and Docker tells of it late: its name is gone all the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hickory_proto::rr::RecordType;
use nix::sys::signal::Signal;
use weft_api::EndpointView;
use weft_e2e::{Asker, Cluster, Container, Kind, Over, Ping, ask, eventually, holds};
use weft_lab::{Host, Service};

/// How long a change may take to be known everywhere, on a busy machine.
const SOON: Duration = Duration::from_secs(60);
/// Whom the agent's descriptors of processes mean. What ends meanwhile is no matter.
const HELD: &str = "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline | grep -q 'weft agent' \
                    && cat $p/fdinfo/*; done 2>/dev/null | grep ^Pid:";

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_gone_while_docker_sleeps_and_all_else_when_it_wakes() {
    let cluster = Cluster::up(2, Kind::Docker).await.unwrap();
    cluster.network("app", &["--subnet", "10.70.0.0/24"]).await.unwrap();
    let (h1, h2) = (cluster.host("h1").unwrap(), cluster.host("h2").unwrap());
    let far = cluster.container("h1", "app", "far").await.unwrap();
    let near = cluster.container("h2", "app", "near").await.unwrap();
    let alias = ["--network-alias", "db"];
    let victim = Container::start(h2, "app", "victim", &alias).await.unwrap();
    let phoenix = Container::start(h2, "app", "phoenix", &["--restart", "always"]).await.unwrap();
    // It lives on in the victim's network namespace, and is no endpoint of its own.
    let guest = Container::start(h2, "container:victim", "guest", &[]).await.unwrap();
    let address = victim.address("app").await.unwrap();
    let pids = [pid(&victim).await, pid(&phoenix).await];
    let at_near = near.netns().await.unwrap();
    let asker = Asker::of(&far).await.unwrap();
    eventually(SOON, || async { asker.resolves(&["victim", "db", "phoenix"]) }).await.unwrap();
    eventually(SOON, || holds_all(h2, &pids)).await.unwrap();

    h2.signal(Service::Docker, Signal::SIGSTOP).await.unwrap();
    h2.run(&["kill", "-9", &pids[0], &pids[1]]).await.unwrap();
    eventually(SOON, || async { asker.misses(&["victim", "db", "phoenix"]) }).await.unwrap();
    // Docker's resolver sleeps as well: on the host itself nobody answers.
    let said = ask(&at_near, "victim", RecordType::A, Over::Udp);
    assert_eq!(said.map_or_else(|_silence| Vec::new(), |said| said.records), [""; 0]);
    eventually(SOON, || async { asker.resolves(&["near"]) }).await.unwrap();
    // Its address and its place are Docker's to give back.
    for host in [h1, h2] {
        assert_eq!(named(&with(&cluster, host, &address).await.unwrap()), None);
    }
    // An agent that is started meanwhile knows it from its own disk, before anybody can ask.
    h2.stop_agent().await.unwrap();
    h2.start_agent().await.unwrap();
    assert_eq!(named(&with(&cluster, h2, &address).await.unwrap()), None);

    h2.signal(Service::Docker, Signal::SIGCONT).await.unwrap();
    for host in [h1, h2] {
        let gone = || async {
            let still = with(&cluster, host, &address).await;
            holds(still.is_none(), || format!("{} has {still:?}", host.name()))
        };
        eventually(SOON, gone).await.unwrap();
    }
    // The name is there before its process is.
    let answers = || async {
        asker.resolves(&["phoenix"])?;
        let ping = far.ping("phoenix", 2).await?;
        holds(ping.received == 2, || format!("phoenix: {ping:?}"))
    };
    eventually(SOON, answers).await.unwrap();
    eventually(SOON, || async { asker.misses(&["victim", "db"]) }).await.unwrap();
    assert_ne!(pid(&guest).await, "0", "the guest lives on");

    h2.docker(&["start", "victim"]).await.unwrap();
    eventually(SOON, || async { asker.resolves(&["victim", "db"]) }).await.unwrap();
    assert_eq!(far.ping("victim", 2).await.unwrap(), Ping { sent: 2, received: 2 });
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_younger_than_the_container_sees_its_end_though_nobody_tells() {
    let cluster = Cluster::up(2, Kind::LiveRestore).await.unwrap();
    cluster.network("app", &["--subnet", "10.70.0.0/24"]).await.unwrap();
    let h2 = cluster.host("h2").unwrap();
    let far = cluster.container("h1", "app", "far").await.unwrap();
    let victim = cluster.container("h2", "app", "victim").await.unwrap();
    let (address, pids) = (victim.address("app").await.unwrap(), [pid(&victim).await]);
    let asker = Asker::of(&far).await.unwrap();
    h2.kill_agent().await.unwrap();
    h2.start_agent().await.unwrap();
    eventually(SOON, || holds_all(h2, &pids)).await.unwrap();
    eventually(SOON, || async { asker.resolves(&["victim"]) }).await.unwrap();

    // Nobody is there who could tell.
    h2.stop_docker(Signal::SIGTERM).await.unwrap();
    eventually(SOON, || async { asker.resolves(&["victim"]) }).await.unwrap();
    h2.run(&["kill", "-9", &pids[0]]).await.unwrap();
    eventually(SOON, || async { asker.misses(&["victim"]) }).await.unwrap();
    assert_eq!(named(&with(&cluster, h2, &address).await.unwrap()), None);

    h2.start_docker().await.unwrap();
    let gone = || async {
        let still = with(&cluster, h2, &address).await;
        holds(still.is_none(), || format!("{still:?}"))
    };
    eventually(SOON, gone).await.unwrap();
    eventually(SOON, || async { asker.misses(&["victim"]) }).await.unwrap();
    cluster.down().await.unwrap();
}

/// Docker's resolver knows a name for longer than its network has the container.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_gone_on_its_own_host_does_not_come_back_while_docker_clears_away() {
    let cluster = Cluster::up(1, Kind::Docker).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let h1 = cluster.host("h1").unwrap();
    let near = cluster.container("h1", "app", "near").await.unwrap();
    let asker = Asker::of(&near).await.unwrap();
    for name in ["v1", "v2", "v3", "v4", "v5"] {
        let victim = Container::start(h1, "app", name, &["--rm"]).await.unwrap();
        let pids = [pid(&victim).await];
        eventually(SOON, || async { asker.resolves(&[name]) }).await.unwrap();
        eventually(SOON, || holds_all(h1, &pids)).await.unwrap();
        let (ends, at_near) = (Arc::new(AtomicBool::new(false)), near.netns().await.unwrap());
        let until = Arc::clone(&ends);
        let asking = tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            while !until.load(Ordering::Relaxed) {
                let said = ask(&at_near, name, RecordType::A, Over::Udp);
                found.extend(said.map(|said| !said.records.is_empty()));
            }
            found
        });
        h1.run(&["kill", "-9", &pids[0]]).await.unwrap();
        let cleared = || async {
            let left = h1.docker(&["ps", "-aq", "-f", &format!("name={name}")]).await?;
            holds(left.is_empty(), || format!("docker has {name} still"))
        };
        eventually(SOON, cleared).await.unwrap();
        ends.store(true, Ordering::Relaxed);
        let mut found = asking.await.unwrap();
        found.dedup();
        assert!(found == [true, false] || found == [false], "{name}: {found:?}");
    }
    cluster.down().await.unwrap();
}

async fn pid(container: &Container<'_>) -> String {
    let format = ["inspect", "-f", "{{.State.Pid}}", &container.name];
    container.host.docker(&format).await.unwrap().trim().to_owned()
}

/// What a host knows to have an address.
async fn with(cluster: &Cluster, host: &Host, address: &str) -> Option<EndpointView> {
    let known = cluster.endpoints(host).await.unwrap();
    known.into_iter().find(|endpoint| endpoint.addresses.iter().any(|a| a.to_string() == address))
}

fn named(endpoint: &EndpointView) -> Option<String> {
    endpoint.name.as_ref().map(ToString::to_string)
}

/// The host's agent holds these processes.
async fn holds_all(host: &Host, pids: &[String]) -> anyhow::Result<()> {
    let told = host.exec(&["sh", "-c", HELD]).await?.stdout;
    let held =
        |pid: &&String| told.lines().any(|line| line.trim_start_matches("Pid:").trim() == *pid);
    let missing = pids.iter().find(|pid| !held(pid));
    holds(missing.is_none(), || format!("{} does not hold {missing:?}: {told}", host.name()))
}
