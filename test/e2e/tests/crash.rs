//! Hosts that die without a word, and come back with what their disks have.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "integration tests"
)]

use std::time::{Duration, Instant};

use weft_api::Standing;
use weft_e2e::{Asker, Cluster, Container, Kind, eventually};
use weft_lab::Host;

/// Within this time a dead host's names are gone elsewhere.
const GONE: Duration = Duration::from_secs(3);
/// Within this time after its daemons answer again everything is as it should be.
const BACK: Duration = Duration::from_secs(5);
/// An endpoint that Docker lost without telling is believed lost after this time.
const LOST: Duration = Duration::from_secs(25);
/// What is known at all is known elsewhere by then.
const TOLD: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_hosts_names_are_gone_and_come_back_with_it_but_not_what_died_with_it() {
    let cluster = Cluster::up(3, Kind::Docker).await.unwrap();
    let h2 = cluster.host("h2").unwrap();
    cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    let c3 = cluster.container("h3", "app", "c3").await.unwrap();
    let always = always(h2, "always").await;
    cluster.container("h2", "app", "once").await.unwrap();
    let (a1, a3) = (asker(&c1).await, asker(&c3).await);
    let all = ["c1", "c3", "always", "once"];
    eventually(TOLD, || async { a1.resolves(&all).and_then(|()| a3.resolves(&all)) })
        .await
        .unwrap();

    h2.kill().await.unwrap();
    let killed = Instant::now();
    let dead = ["always", "once"];
    eventually(GONE, || async { a1.misses(&dead) }).await.unwrap();
    let at_h1 = killed.elapsed();
    eventually(GONE, || async { a3.misses(&dead) }).await.unwrap();
    println!("names gone after {at_h1:?} at h1, {:?} at h3", killed.elapsed());
    assert!(killed.elapsed() < GONE);
    a1.resolves(&["c1", "c3"]).unwrap();
    a3.resolves(&["c1", "c3"]).unwrap();
    assert_eq!(c1.ping("c3", 3).await.unwrap().received, 3);
    for host in ["h1", "h3"] {
        let seen = cluster.standing(cluster.host(host).unwrap(), "h2").await.unwrap();
        assert_eq!(seen, Standing::Down);
    }

    h2.start().await.unwrap();
    let back = Instant::now();
    eventually(BACK, || cluster.agree_on_nodes()).await.unwrap();
    let nodes = back.elapsed();
    eventually(BACK, || async { a1.resolves(&["always"]).and_then(|()| a3.resolves(&["always"])) })
        .await
        .unwrap();
    println!("after the start: nodes up in {nodes:?}, names in {:?}", back.elapsed());
    let alive = ["c1", "c3", "always"];
    eventually(LOST, || cluster.agree_on_endpoints(&alive)).await.unwrap();
    println!("after the start: nothing of the dead is left after {:?}", back.elapsed());
    cluster.agree_with_engines("app").await.unwrap();
    a1.misses(&["once"]).unwrap();
    let n2 = cluster.container("h2", "app", "n2").await.unwrap();
    for (from, to) in [(&c1, "always"), (&c3, "n2"), (&n2, "c1"), (&always, "c3")] {
        assert_eq!(from.ping(to, 2).await.unwrap().received, 2, "{from:?} {to}");
    }
    // The one that died can be started again.
    h2.docker(&["start", "once"]).await.unwrap();
    eventually(TOLD, || async { a3.resolves(&["once", "n2"]) }).await.unwrap();
    cluster.agree_with_engines("app").await.unwrap();
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_power_cut_of_all_hosts_the_workers_need_not_wait_for_the_manager() {
    let cluster = Cluster::up(3, Kind::Docker).await.unwrap();
    let (h1, h2, h3) =
        (cluster.host("h1").unwrap(), cluster.host("h2").unwrap(), cluster.host("h3").unwrap());
    cluster.network("app", &[]).await.unwrap();
    let c1 = always(h1, "c1").await;
    let c2 = always(h2, "c2").await;
    let c3 = always(h3, "c3").await;
    eventually(TOLD, || cluster.agree_on_endpoints(&["c1", "c2", "c3"])).await.unwrap();

    for host in cluster.lab.hosts() {
        host.kill().await.unwrap();
    }
    tokio::try_join!(h2.start(), h3.start()).unwrap();
    let started = Instant::now();
    eventually(BACK, || async { asker_of(&c2).await?.resolves(&["c2", "c3"]) }).await.unwrap();
    eventually(BACK, || async { asker_of(&c3).await?.resolves(&["c2", "c3"]) }).await.unwrap();
    println!("the workers find each other {:?} after their start", started.elapsed());
    assert_eq!(c2.ping("c3", 2).await.unwrap().received, 2);
    let n2 = cluster.container("h2", "app", "n2").await.unwrap();
    assert_eq!(c3.ping("n2", 2).await.unwrap().received, 2);

    h1.start().await.unwrap();
    let started = Instant::now();
    eventually(LOST, || cluster.agree_on_endpoints(&["c1", "c2", "c3", "n2"])).await.unwrap();
    println!("with the manager all agree {:?} after its start", started.elapsed());
    eventually(BACK, || cluster.agree_on_nodes()).await.unwrap();
    cluster.agree_with_engines("app").await.unwrap();
    assert_eq!(c1.ping("n2", 2).await.unwrap().received, 2);
    assert_eq!(n2.ping("c1", 2).await.unwrap().received, 2);
    h3.run(&["weft", "network", "create", "other"]).await.unwrap();
    cluster.mirrored("other").await.unwrap();
    cluster.down().await.unwrap();
}

/// A container that Docker starts again with itself.
async fn always<'a>(host: &'a Host, name: &str) -> Container<'a> {
    Container::start(host, "app", name, &["--restart", "always"]).await.unwrap()
}

async fn asker(container: &Container<'_>) -> Asker {
    asker_of(container).await.unwrap()
}

async fn asker_of(container: &Container<'_>) -> anyhow::Result<Asker> {
    Asker::of(container).await
}
