//! `weft trace`, `verify` and `doctor` answer while somebody waits, and leave nothing behind that
//! would cost packets anything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::time::{Duration, Instant};

use weft_e2e::{Cluster, Kind, eventually, holds};

/// Within this time a cluster has settled.
const SOON: Duration = Duration::from_secs(10);
const HOSTS: u8 = 5;
const TIMES: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn five_hosts_are_asked_and_nothing_of_the_question_stays() {
    let cluster = Cluster::up(HOSTS, Kind::Plain).await.unwrap();
    let vni = cluster.network("app", &[]).await.unwrap().vni;
    for number in 1..=HOSTS {
        let (host, name) = (format!("h{number}"), format!("c{number}"));
        cluster.plain(&host, "app", &name, &[]).await.unwrap();
    }
    eventually(SOON, || done(&cluster, &["verify"])).await.unwrap();

    let asked: [&[&str]; 5] = [
        &["status"],
        &["trace", "c2", "c5"],
        &["trace", "c2", "c5", "--live"],
        &["verify"],
        &["doctor"],
    ];
    for question in asked {
        let mut took = Vec::new();
        for _ in 0..TIMES {
            let began = Instant::now();
            done(&cluster, question).await.unwrap();
            took.push(began.elapsed());
        }
        took.sort();
        let words = question.join(" ");
        println!("weft {words}: median {:?}, longest {:?}", took[TIMES / 2], took[TIMES - 1]);
    }
    eventually(SOON, || nobody_listens(&cluster, vni)).await.unwrap();
    cluster.down().await.unwrap();
}

async fn done(cluster: &Cluster, question: &[&str]) -> anyhow::Result<()> {
    let out = cluster.host("h1")?.weft(question).await?;
    holds(out.is_success(), || format!("{question:?}: {} {}", out.stdout, out.stderr))
}

/// No packet socket is open on any host: a frame that passes is looked at by nobody.
async fn nobody_listens(cluster: &Cluster, vni: u32) -> anyhow::Result<()> {
    let segment = format!("weft-{vni}");
    for host in cluster.lab.hosts() {
        // Where programs carry, frames are looked at inside the workload.
        let workload = host.name().replace('h', "c");
        let inside = if cluster.is_woven(host).await? { &workload } else { &segment };
        let inside = ["ip", "netns", "exec", inside, "cat", "/proc/net/packet"];
        for look in [&inside[4..], &inside[..]] {
            let sockets = host.run(look).await?;
            holds(sockets.lines().count() == 1, || format!("{}: {sockets}", host.name()))?;
        }
    }
    Ok(())
}
