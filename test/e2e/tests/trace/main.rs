//! `weft trace` names the hop at which a packet ends and why, for every fault that is made here; on
//! a healthy path, before and after each, all six hops are green.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

mod rows;
mod woven;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use weft_e2e::{Cluster, Kind, Plain, Words, eventually, holds};
use weft_model::Hop;
use weft_trace::Verdict;

use rows::{ROWS, Row, SEGMENT};

/// Within this time a fault shows, and a mended one does not any more.
const SOON: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_named_by_its_hop_and_cause() {
    let cluster = Cluster::up(3, Kind::Docker).await.unwrap();
    // Of its own, so that it does not follow the underlay's.
    let app = cluster.network("app", &["--mtu", "1450"]).await.unwrap().vni;
    cluster.network("data", &[]).await.unwrap();
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    let c2 = cluster.plain("h2", "app", "c2", &[]).await.unwrap();
    let _c3 = cluster.plain("h1", "app", "c3", &[]).await.unwrap();
    let _c4 = cluster.plain("h2", "data", "c4", &[]).await.unwrap();
    let pid = c1.host.docker(&["inspect", "-f", "{{.State.Pid}}", "c1"]).await.unwrap();
    let words = words(&cluster, app, &c2).await;
    let words = words.with("$INSIDE", format!("nsenter -t {} -n", pid.trim()));
    eventually(SOON, || green(&cluster, "c1 c2")).await.unwrap();

    a_ping_is_seen_everywhere(&cluster).await;
    for row in ROWS {
        let woven = cluster.is_woven(cluster.host(row.host).unwrap()).await.unwrap();
        if row.carried.is_other(woven) {
            continue;
        }
        let began = Instant::now();
        let host = cluster.host(row.host).unwrap();
        let spoken = words.fill(row.cause);
        eventually(SOON, || async {
            // A fault that is mended at once is made again: it is to be seen while it is there.
            words.shell(host, row.break_it).await.ok();
            fails(&cluster, row, &spoken).await
        })
        .await
        .unwrap();
        words.shell(host, row.mend_it).await.unwrap();
        let healthy = if row.trace.starts_with("c3") { "c3 c1" } else { "c1 c2" };
        eventually(SOON, || green(&cluster, healthy)).await.unwrap();
        println!("{:9}{spoken}: {:?}", row.hop.word(), began.elapsed());
    }
    if cluster.is_woven(c1.host).await.unwrap() {
        let pings = || c1.reaches("c2");
        woven::rules_of_the_host_stop_no_program(&cluster, &words, pings).await;
    }
    faults_of_the_link_are_told(&cluster, &c2).await;
    cluster.down().await.unwrap();
}

/// Both hosts count and time it, there and back, and the workloads' rules say where it ends.
async fn a_ping_is_seen_everywhere(cluster: &Cluster) {
    // On a busy machine the time of one trace may be too short for three.
    let live = eventually(SOON, || async {
        let live = cluster.trace("h3", "c1 c2 --live").await?.live.context("nothing was sent")?;
        holds(live.returned >= 3 && live.lost.is_none(), || format!("{live:#?}"))?;
        Ok(live)
    });
    let live = live.await.unwrap();
    assert!(live.points.iter().all(|point| point.seen >= live.returned), "{live:#?}");
    let places: Vec<_> = live.points.iter().map(|point| (point.hop, point.host.as_str())).collect();
    let out =
        [(Hop::Neighbor, "h1"), (Hop::Encap, "h1"), (Hop::Underlay, "h2"), (Hop::Deliver, "h2")];
    let back =
        [(Hop::Neighbor, "h2"), (Hop::Encap, "h2"), (Hop::Underlay, "h1"), (Hop::Deliver, "h1")];
    assert_eq!(places, [out, back].concat());
    assert!(live.points[1..].iter().all(|point| point.took_us.is_some()), "{live:#?}");
    println!("live: {:?} µs there and back", live.round_trip_us.unwrap());
    let told = cluster.trace("h1", "c1 c3 --live").await.unwrap();
    assert_eq!(told.live.unwrap().points.len(), 4, "on one host it is in no tunnel");

    // A rule that no ruleset shows to nft: only what is sent tells of it.
    let h2 = cluster.host("h2").unwrap();
    let drop_pings =
        ["ip", "netns", "exec", "c2", "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1"];
    h2.run(&drop_pings).await.unwrap();
    let unanswered = || async {
        let told = cluster.trace("h3", "c1 c2 --live").await?;
        let lost = told.live.as_ref().and_then(|live| live.lost.as_deref());
        let right = lost == Some("the receiver does not answer pings");
        holds(right && told.verdict == Verdict::Ok, || format!("{told:#?}"))
    };
    eventually(SOON, unanswered).await.unwrap();
    let answer = ["ip", "netns", "exec", "c2", "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=0"];
    h2.run(&answer).await.unwrap();
}

/// Faults between the hosts, of which no host's kernel knows.
async fn faults_of_the_link_are_told(cluster: &Cluster, c2: &Plain<'_>) {
    c2.host.swallow(4789).await.unwrap();
    ends_at_underlay(cluster, "c1 c2", "something between them swallows VXLAN").await;
    c2.host.heal().await.unwrap();
    c2.host.narrow(1400).await.unwrap();
    ends_at_underlay(cluster, "c1 c2", "larger than 1400 bytes do not arrive at h2").await;
    c2.host.heal().await.unwrap();
    // By its address: the names of a host that is cut off are hidden after a while.
    c2.host.cut().await.unwrap();
    ends_at_underlay(cluster, &format!("c1 {}", c2.address), "h2: it is down or cut off").await;
    c2.host.heal().await.unwrap();
    eventually(SOON, || green(cluster, "c1 c2")).await.unwrap();
}

async fn ends_at_underlay(cluster: &Cluster, asked: &str, cause: &str) {
    let began = Instant::now();
    let told = cluster.trace("h3", asked).await.unwrap();
    assert_eq!(told.failed, Some(Hop::Underlay), "{told:#?}");
    let hop = &told.hops[3];
    assert!(hop.cause.as_ref().unwrap().contains(cause), "{hop:#?}");
    println!("underlay {cause}: {:?}", began.elapsed());
}

async fn fails(cluster: &Cluster, row: &Row, cause: &str) -> anyhow::Result<()> {
    let told = cluster.trace("h3", row.trace).await?;
    let failed = told.hops.iter().find(|hop| Some(hop.hop) == told.failed);
    let right = failed.is_some_and(|failed| {
        failed.hop == row.hop
            && failed.cause.as_ref().is_some_and(|told| told.contains(cause))
            && failed.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty())
    });
    holds(right, || format!("{} should fail because {cause}:\n{told:#?}", row.hop))
}

async fn green(cluster: &Cluster, asked: &str) -> anyhow::Result<()> {
    let told = cluster.trace("h3", asked).await?;
    holds(told.verdict == Verdict::Ok, || format!("{told:#?}"))
}

/// What stands for addresses and names in the rows.
async fn words(cluster: &Cluster, vni: u32, c2: &Plain<'_>) -> Words {
    let port = async |host: &str, name: &str| {
        let endpoints = cluster.endpoints(cluster.host(host).unwrap()).await.unwrap();
        let named = |endpoint: &&weft_api::EndpointView| {
            endpoint.name.as_ref().is_some_and(|known| known.as_str() == name)
        };
        endpoints.iter().find(named).unwrap().interface.clone().unwrap()
    };
    let address = |host: &str| cluster.host(host).unwrap().address().to_string();
    Words::new(vec![
        ("$SEGMENT", SEGMENT.to_owned()),
        ("$VNI", vni.to_string()),
        ("$C2", c2.address.to_string()),
        ("$MAC2", c2.mac.to_string()),
        ("$PORT1", port("h1", "c1").await),
        ("$PORT2", port("h2", "c2").await),
        ("$H1", address("h1")),
        ("$H2", address("h2")),
        ("$H3", address("h3")),
    ])
}
