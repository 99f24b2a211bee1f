//! Hosts that cannot talk to each other for a while, and what they make of it afterwards.
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

use futures::TryFutureExt as _;
use weft_api::Standing;
use weft_e2e::{Asker, Cluster, Container, Kind, Pinging, eventually};
use weft_lab::Host;

/// How long the manager is away.
const CUT: Duration = Duration::from_secs(30);
/// Starts differ by as much on a busy machine; one that waits for a manager takes far longer.
const SLACK: Duration = Duration::from_secs(2);
/// Within this time after a cut the others know of it.
const NOTICED: Duration = Duration::from_secs(6);
/// Within this time after a cut names are hidden where nobody can be reached.
const HIDDEN: Duration = Duration::from_secs(3);
/// Within this time it is known that others still reach whom this host does not.
const VOUCHED: Duration = Duration::from_secs(8);
/// Within this time after a cut is healed all are of one mind again.
const AGREED: Duration = Duration::from_secs(1);
/// What is known at all is known elsewhere by then.
const TOLD: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn without_its_manager_a_cluster_goes_on_and_afterwards_all_agree() {
    let cluster = Cluster::up(3, Kind::Docker).await.unwrap();
    let (h1, h2) = (cluster.host("h1").unwrap(), cluster.host("h2").unwrap());
    cluster.network("app", &[]).await.unwrap();
    let (c1, _) = started(&cluster, "h1", "c1").await;
    let (c2, warm2) = started(&cluster, "h2", "c2").await;
    let (c3, warm3) = started(&cluster, "h3", "c3").await;
    let (going, _) = started(&cluster, "h3", "going").await;
    let (a1, a2, a3) = (asker(&c1).await, asker(&c2).await, asker(&c3).await);
    eventually(TOLD, || async { a2.resolves(&["c1", "c2", "c3", "going"]) }).await.unwrap();
    let pings = pinging(&c2, &c3).await;
    let back = pinging(&c3, &c2).await;

    h1.cut().await.unwrap();
    let cut = left_to_weft(&cluster).await;
    let refused = h2.weft(&["network", "create", "other"]).await.unwrap();
    assert!(cut.elapsed() < NOTICED && !refused.is_success(), "{:?} {refused:?}", cut.elapsed());
    refuses_with_reason(h2).await;

    // New containers start as fast as ever, and are known where they can be.
    let (n2, cold2) = started(&cluster, "h2", "n2").await;
    eventually(TOLD, || async { a3.resolves(&["n2"]) }).await.unwrap();
    let (n3, cold3) = started(&cluster, "h3", "n3").await;
    eventually(TOLD, || async { a2.resolves(&["n3"]) }).await.unwrap();
    println!("starts: before the cut {warm2:?}, {warm3:?}; during it {cold2:?}, {cold3:?}");
    assert!(cold2.min(cold3) < warm2.max(warm3) + SLACK, "{cold2:?} {cold3:?}");
    asker(&n2).await.resolves(&["c2", "c3", "n3"]).unwrap();
    asker(&n3).await.resolves(&["c2", "c3", "n2"]).unwrap();
    assert_eq!(n2.ping("n3", 3).await.unwrap().received, 3);
    going.remove().await.unwrap();
    eventually(TOLD, || async { a2.misses(&["going"]) }).await.unwrap();

    // Whom nobody can reach nobody finds; where it can be reached it is found.
    eventually(HIDDEN, || async { a2.misses(&["c1"]) }).await.unwrap();
    let (n1, _) = started(&cluster, "h1", "n1").await;
    asker(&n1).await.resolves(&["c1"]).unwrap();
    a1.resolves(&["n1"]).unwrap();
    for worker in ["h2", "h3"] {
        assert_eq!(cluster.standing(h1, worker).await.unwrap(), Standing::Down);
        let seen = cluster.standing(cluster.host(worker).unwrap(), "h1").await.unwrap();
        assert_eq!(seen, Standing::Down);
    }
    h1.run(&["weft", "network", "create", "late"]).await.unwrap();
    tokio::time::sleep_until((cut + CUT).into()).await;

    h1.heal().await.unwrap();
    let healed = Instant::now();
    let names = ["c1", "c2", "c3", "n1", "n2", "n3"];
    eventually(AGREED, || cluster.agree_on_endpoints(&names)).await.unwrap();
    let lists = healed.elapsed();
    eventually(AGREED, || async { [&a1, &a2, &a3].iter().try_for_each(|a| a.resolves(&names)) })
        .await
        .unwrap();
    let found = healed.elapsed();
    eventually(AGREED, || cluster.agree_on_nodes()).await.unwrap();
    let all = healed.elapsed();
    println!("after the cut: lists agree in {lists:?}, names in {found:?}, nodes in {all:?}");
    assert!(all < AGREED, "{all:?}");
    eventually(AGREED, || async { a1.misses(&["going"]) }).await.unwrap();
    cluster.mirrored("late").await.unwrap();
    for (from, to) in [(&c1, &n2), (&c1, &n3), (&n1, &c2), (&n2, &n1), (&c3, &n1)] {
        assert_eq!(from.ping(&to.name, 2).await.unwrap().received, 2, "{from:?} {to:?}");
    }
    cluster.agree_with_engines("app").await.unwrap();
    unbroken(pings);
    unbroken(back);
    cluster.down().await.unwrap();
}

/// Of more than ten seconds' pings not one was lost.
#[track_caller]
fn unbroken(pings: Pinging) {
    let answers = pings.finish().unwrap();
    println!("{} pings, longest silence {:?}", answers.sent, answers.silence);
    assert!(answers.sent > 1000 && answers.lost.is_empty(), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_that_lose_each_other_miss_nothing_once_they_are_back() {
    let cluster = Cluster::up(3, Kind::Docker).await.unwrap();
    let (h2, h3) = (cluster.host("h2").unwrap(), cluster.host("h3").unwrap());
    cluster.network("app", &[]).await.unwrap();
    let (c1, _) = started(&cluster, "h1", "c1").await;
    let (c2, _) = started(&cluster, "h2", "c2").await;
    let (c3, _) = started(&cluster, "h3", "c3").await;
    let (a1, a2, a3) = (asker(&c1).await, asker(&c2).await, asker(&c3).await);
    eventually(TOLD, || async { a2.resolves(&["c1", "c2", "c3"]) }).await.unwrap();
    let (to2, to3) = (pinging(&c1, &c2).await, pinging(&c1, &c3).await);

    h2.cut_from(h3).await.unwrap();
    let cut = left_to_weft(&cluster).await;
    let hidden = || async { a2.misses(&["c3"]).and_then(|()| a3.misses(&["c2"])) };
    eventually(HIDDEN, hidden).await.unwrap();
    println!("names hidden {:?} after the cut", cut.elapsed());
    started(&cluster, "h2", "n2").await;
    c3.remove().await.unwrap();
    let (n3, _) = started(&cluster, "h3", "n3").await;
    let a3 = asker(&n3).await;
    // Who can talk to both finds all, and both go on under the manager.
    eventually(TOLD, || async { a1.resolves(&["c1", "c2", "n2", "n3"]) }).await.unwrap();
    a1.misses(&["c3"]).unwrap();
    a2.misses(&["n3"]).unwrap();
    // It is told apart from a host that is dead, and only by those two.
    for (at, of, standing) in [
        (h2, "h3", Standing::Indirect),
        (h3, "h2", Standing::Indirect),
        (cluster.host("h1").unwrap(), "h3", Standing::Up),
    ] {
        eventually(VOUCHED, || async {
            let seen = cluster.standing(at, of).await?;
            anyhow::ensure!(seen == standing, "{of} is {seen} at {}", at.name());
            Ok(())
        })
        .await
        .unwrap();
    }
    h2.run(&["weft", "network", "create", "other"]).await.unwrap();
    eventually(TOLD, || h3.run(&["weft", "network", "inspect", "other"]).map_err(Into::into))
        .await
        .unwrap();

    h3.heal().await.unwrap();
    let healed = Instant::now();
    let names = ["c1", "c2", "n2", "n3"];
    eventually(AGREED, || cluster.agree_on_endpoints(&names)).await.unwrap();
    eventually(AGREED, || async { [&a1, &a2, &a3].iter().try_for_each(|a| a.resolves(&names)) })
        .await
        .unwrap();
    println!("after the cut of two: all agree in {:?}", healed.elapsed());
    assert!(healed.elapsed() < AGREED);
    a2.misses(&["c3"]).unwrap();
    assert_eq!(c2.ping("n3", 2).await.unwrap().received, 2);
    assert_eq!(to2.finish().unwrap().lost, [0_u16; 0]);
    // Its target was removed in between.
    assert!(to3.finish().unwrap().lost.len() > 10);
    cluster.down().await.unwrap();
}

/// From now on the hosts' kernels ask only every ten seconds for a neighbor that does not answer, and know
/// none: how soon all agree after a cut is not up to them. Says since when that is so.
async fn left_to_weft(cluster: &Cluster) -> Instant {
    let now = Instant::now();
    let script = "echo 10000 >/proc/sys/net/ipv4/neigh/eth0/retrans_time_ms && \
                  ip neighbor flush dev eth0";
    for host in cluster.lab.hosts() {
        host.run(&["sh", "-c", script]).await.unwrap();
    }
    now
}

/// Starts a container, and says how long that took.
async fn started<'a>(cluster: &'a Cluster, host: &str, name: &str) -> (Container<'a>, Duration) {
    let began = Instant::now();
    let container = cluster.container(host, "app", name).await.unwrap();
    (container, began.elapsed())
}

async fn asker(container: &Container<'_>) -> Asker {
    Asker::of(container).await.unwrap()
}

async fn pinging(from: &Container<'_>, to: &Container<'_>) -> Pinging {
    let to = to.address("app").await.unwrap().parse().unwrap();
    Pinging::start(&from.netns().await.unwrap(), to).unwrap()
}

/// Once the manager is known to be away, a command that needs it says so at once.
async fn refuses_with_reason(host: &Host) {
    let began = Instant::now();
    let refused = host.weft(&["network", "create", "other"]).await.unwrap();
    println!("a command fails within {:?}: {}", began.elapsed(), refused.stderr);
    assert!(!refused.is_success() && began.elapsed() < Duration::from_secs(1));
    for word in ["no manager answers", "running containers go on", "new ones start"] {
        assert!(refused.stderr.contains(word), "{}", refused.stderr);
    }
}
