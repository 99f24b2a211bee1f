//! Networks and workloads follow what the underlay carries, and what does not is explained.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use std::time::Duration;

use weft_api::NetworkView;
use weft_doctor::{Check, Severity};
use weft_e2e::{Cluster, Kind, Plain, Words, eventually, holds};
use weft_kernel::Netns;

/// Within this time everything follows: a look is taken every five seconds.
const SOON: Duration = Duration::from_secs(20);
/// Headers of IP and ICMP.
const HEADERS: usize = 20 + 8;

#[tokio::test(flavor = "multi_thread")]
async fn workloads_follow_the_underlay_and_a_network_with_its_own_mtu_does_not() {
    let cluster = Cluster::up(2, Kind::Docker).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let container = cluster.container("h1", "app", "c1").await.unwrap();
    let (c1, address) = (container.netns().await.unwrap(), container.address("app").await.unwrap());
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    eventually(SOON, || fits(&cluster, [&c1, &c2.netns], 1450)).await.unwrap();
    eventually(SOON, || whole(&c2, &address, 1450)).await.unwrap();

    set(&cluster, "ip link set eth0 mtu 1400").await;
    eventually(SOON, || fits(&cluster, [&c1, &c2.netns], 1350)).await.unwrap();
    eventually(SOON, || whole(&c2, &address, 1350)).await.unwrap();
    let c3 = cluster.plain("h1", "app", "c3", &[]).await.unwrap();
    assert_eq!(mtu(&c3.netns), 1350, "a new workload");
    // An MTU that somebody chose inside, and that fits, is left alone.
    c3.run(&["ip", "link", "set", "eth0", "mtu", "1300"]).await.unwrap();

    set(&cluster, "ip link set eth0 mtu 1500").await;
    eventually(SOON, || fits(&cluster, [&c1, &c2.netns], 1450)).await.unwrap();
    eventually(SOON, || whole(&c2, &address, 1450)).await.unwrap();
    assert_eq!(mtu(&c3.netns), 1300, "chosen inside");

    cluster.network("own", &["--mtu", "1450"]).await.unwrap();
    let own = cluster.plain("h1", "own", "o1", &[]).await.unwrap();
    set(&cluster, "ip link set eth0 mtu 1400").await;
    eventually(SOON, || fits(&cluster, [&c1, &c2.netns], 1350)).await.unwrap();
    assert_eq!(mtu(&own.netns), 1450, "on a network with an MTU of its own");
    let what = "packets larger than 1400 bytes do not arrive at h2; the networks send up to 1500";
    eventually(SOON, || says(&cluster, what, "weft network create NAME --mtu 1350")).await.unwrap();
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_doctor_says_of_a_narrow_way_helps() {
    let cluster = Cluster::up(2, Kind::Plain).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.plain("h1", "app", "c1", &[]).await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    eventually(SOON, || finds_nothing(&cluster)).await.unwrap();
    cluster.host("h2").unwrap().narrow(1400).await.unwrap();
    let what = "packets larger than 1400 bytes do not arrive at h2; the networks send up to 1500";
    eventually(SOON, || says(&cluster, what, "ip route change … mtu 1400")).await.unwrap();
    let route = "ip route change 192.0.2.0/24 dev eth0 proto kernel scope link src $ME mtu 1400";
    set(&cluster, route).await;
    eventually(SOON, || fits(&cluster, [&c1.netns, &c2.netns], 1350)).await.unwrap();
    eventually(SOON, || finds_nothing(&cluster)).await.unwrap();
    cluster.down().await.unwrap();
}

/// On both hosts.
async fn set(cluster: &Cluster, script: &str) {
    for host in cluster.lab.hosts() {
        let words = Words::default().with("$ME", host.address().to_string());
        words.shell(host, script).await.unwrap();
    }
}

/// The workloads' own ends and the network as it is told have this MTU.
async fn fits(cluster: &Cluster, ends: [&Netns; 2], expected: u32) -> anyhow::Result<()> {
    let has = ends.map(mtu);
    holds(has == [expected; 2], || format!("should be {expected}: {has:?}"))?;
    for host in cluster.lab.hosts() {
        let network: NetworkView = cluster.json(host, &["network", "inspect", "app"]).await?;
        let told = network.mtu;
        holds(told == expected, || format!("{} says {told}", host.name()))?;
    }
    Ok(())
}

/// A packet of just this size is answered.
async fn whole(from: &Plain<'_>, to: &str, size: usize) -> anyhow::Result<()> {
    let payload = (size - HEADERS).to_string();
    let ping = ["busybox", "ping", "-c", "1", "-W", "1", "-s", &payload, to];
    let said = from.exec(&ping).await?;
    holds(said.is_success(), || format!("{size} bytes: {said:?}"))
}

fn mtu(of: &Netns) -> u32 {
    // The interface as the calling thread's namespace has it, which `/sys` does not tell.
    let told = of.run(|| {
        let ip = ["-o", "link", "show", "dev", "eth0"];
        std::process::Command::new("ip").args(ip).output()
    });
    let told = String::from_utf8(told.unwrap().unwrap().stdout).unwrap();
    let mut words = told.split_whitespace().skip_while(|word| *word != "mtu");
    words.nth(1).and_then(|mtu| mtu.parse().ok()).unwrap_or_default()
}

async fn says(cluster: &Cluster, what: &str, remedy: &str) -> anyhow::Result<()> {
    let told = cluster.diagnosis("h1").await?;
    let said = told.findings.iter().any(|one| {
        (one.check, one.severity) == (Check::Mtu, Severity::Error)
            && one.what.contains(what)
            && one.remedy.contains(remedy)
    });
    holds(said, || format!("should be {what}: {told:#?}"))
}

async fn finds_nothing(cluster: &Cluster) -> anyhow::Result<()> {
    let told = cluster.diagnosis("h1").await?;
    holds(told.findings.is_empty(), || format!("{told:#?}"))
}
