//! Hosts that leave, come back, are thrown out, stop for a while, or lose their agent.
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

use weft_api::{NetworkView, Standing};
use weft_e2e::{Answers, Asker, Cluster, Container, Kind, Pinging, eventually, holds};
use weft_lab::{Host, Spec};

/// Longer than anything here may take.
const SOON: Duration = Duration::from_secs(5);
/// What is known at all is known elsewhere by then.
const TOLD: Duration = Duration::from_millis(500);
/// Within this time after its start a host that was removed while it was away has heard of it.
const REMOVED: Duration = Duration::from_secs(20);
/// As long as a host stands still.
const STILL: Duration = Duration::from_secs(8);
/// How many pings a test that means it has sent at least.
const MANY: u16 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_host_leaves_without_a_trace_and_may_come_back() {
    // Addresses rest as long as neighbours may believe in who had them.
    let spec = Spec { hosts: 3, docker: true, ..Spec::default() };
    let cluster = Cluster::founded(spec, &[]).await.unwrap();
    let (h1, h3) = (cluster.host("h1").unwrap(), cluster.host("h3").unwrap());
    cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    let c2 = cluster.container("h2", "app", "c2").await.unwrap();
    let c3 = cluster.container("h3", "app", "c3").await.unwrap();
    eventually(TOLD, || cluster.agree_on_endpoints(&["c1", "c2", "c3"])).await.unwrap();
    let pings = pinging(&c1, &c2).await;

    let refused = h3.weft(&["leave"]).await.unwrap();
    for words in ["1 workloads of this host", "weft endpoint ls", "weft leave --force"] {
        assert!(!refused.is_success() && refused.stderr.contains(words), "{refused:?}");
    }
    assert_eq!(c3.ping("c1", 2).await.unwrap().received, 2);
    c3.remove().await.unwrap();
    let began = Instant::now();
    h3.run(&["weft", "leave"]).await.unwrap();
    println!("left in {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(2));
    eventually(TOLD, || forgotten(&cluster, "h3")).await.unwrap();
    nothing_is_left(h3).await;
    let refused = h3.exec(&["docker", "run", "--rm", "--network", "app", "none"]).await.unwrap();
    assert!(!refused.is_success());

    join(&cluster, "h3").await;
    eventually(SOON, || cluster.agree_on_nodes()).await.unwrap();
    cluster.mirrored("app").await.unwrap();
    let c3 = cluster.container("h3", "app", "c3").await.unwrap();
    eventually(TOLD, || cluster.agree_on_endpoints(&["c1", "c2", "c3"])).await.unwrap();
    assert_eq!(c1.ping("c3", 2).await.unwrap().received, 2);
    assert_eq!(c3.ping("c2", 2).await.unwrap().received, 2);

    // A host that is in use is thrown out only by force.
    let refused = h1.weft(&["node", "rm", "h3"]).await.unwrap();
    assert!(!refused.is_success() && refused.stderr.contains("app"), "{refused:?}");
    h3.kill().await.unwrap();
    h1.run(&["weft", "node", "rm", "--force", "h3"]).await.unwrap();
    eventually(TOLD, || forgotten(&cluster, "h3")).await.unwrap();
    asker(&c1).await.misses(&["c3"]).unwrap();
    h3.start().await.unwrap();
    // It goes on until it is told, but the others know.
    cluster.container("h3", "app", "stray").await.unwrap();
    asker(&c1).await.misses(&["c3", "stray"]).unwrap();
    forgotten(&cluster, "h3").await.unwrap();
    eventually(REMOVED, || says_that_it_was_taken_out(&cluster, h3)).await.unwrap();
    h3.run(&["weft", "leave", "--force"]).await.unwrap();
    // What ran is cut off, and goes like any other.
    h3.docker(&["rm", "-f", "stray"]).await.unwrap();
    // The mirror may be faster.
    drop(h3.docker(&["network", "rm", "app"]).await);
    nothing_is_left(h3).await;
    join(&cluster, "h3").await;
    cluster.mirrored("app").await.unwrap();
    let c3 = cluster.container("h3", "app", "again").await.unwrap();
    eventually(TOLD, || cluster.agree_on_endpoints(&["c1", "c2", "again"])).await.unwrap();
    assert_eq!(c2.ping(&c3.name, 2).await.unwrap().received, 2);
    none_lost(&pings.finish().unwrap());
    cluster.down().await.unwrap();
}

async fn says_that_it_was_taken_out(cluster: &Cluster, host: &Host) -> anyhow::Result<()> {
    let degraded = cluster.status(host).await?.degraded;
    let told = degraded.iter().any(|d| d.reason.contains("taken out of its cluster"));
    holds(told, || format!("{degraded:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_a_host_stands_still_or_agents_end() {
    let cluster = Cluster::up(3, Kind::Docker).await.unwrap();
    let [h1, h2, h3] = ["h1", "h2", "h3"].map(|name| cluster.host(name).unwrap());
    cluster.network("app", &[]).await.unwrap();
    let c1 = cluster.container("h1", "app", "c1").await.unwrap();
    let c2 = cluster.container("h2", "app", "c2").await.unwrap();
    let c3 = cluster.container("h3", "app", "c3").await.unwrap();
    let (a1, a2, a3) = (asker(&c1).await, asker(&c2).await, asker(&c3).await);
    eventually(TOLD, || cluster.agree_on_endpoints(&["c1", "c2", "c3"])).await.unwrap();
    let (to1, to3) = (pinging(&c2, &c1).await, pinging(&c2, &c3).await);

    // The manager's agent ends under its workers' feet.
    h1.kill_agent().await.unwrap();
    let n2 = cluster.container("h2", "app", "n2").await.unwrap();
    eventually(TOLD, || async { a3.resolves(&["n2", "c1"]) }).await.unwrap();
    h1.start_agent().await.unwrap();
    let began = Instant::now();
    eventually(SOON, || cluster.agree_on_endpoints(&["c1", "c2", "c3", "n2"])).await.unwrap();
    eventually(SOON, || reaches_a_manager(&cluster, h2)).await.unwrap();
    println!("all agree {:?} after the manager's agent answers again", began.elapsed());
    h2.run(&["weft", "network", "create", "other"]).await.unwrap();

    // A worker's agent ends and starts while there is no manager.
    h1.cut().await.unwrap();
    h2.kill_agent().await.unwrap();
    h2.start_agent().await.unwrap();
    eventually(SOON, || async { a2.resolves(&["c2", "c3", "n2"]) }).await.unwrap();
    let n3 = cluster.container("h2", "app", "n3").await.unwrap();
    eventually(TOLD, || async { a3.resolves(&["c2", "n2", "n3"]) }).await.unwrap();
    assert_eq!(n3.ping("c3", 2).await.unwrap().received, 2);
    let status = cluster.status(h2).await.unwrap();
    assert!(!status.cluster.as_ref().unwrap().manager_reachable, "{status:?}");
    assert_eq!(status.reconcile.failures.len(), 0, "{status:?}");
    let to1 = to1.finish().unwrap();
    h1.heal().await.unwrap();
    let healed = Instant::now();
    let all = ["c1", "c2", "c3", "n2", "n3"];
    eventually(SOON, || cluster.agree_on_endpoints(&all)).await.unwrap();
    eventually(SOON, || reaches_a_manager(&cluster, h2)).await.unwrap();
    println!("all agree {:?} after the manager is back", healed.elapsed());
    assert!(healed.elapsed() < Duration::from_secs(2));
    h2.run(&["weft", "network", "create", "third"]).await.unwrap();
    none_lost(&to3.finish().unwrap());
    assert!(to1.sent > MANY, "{to1:?}");

    // A host stands still, as a machine does that is moved or saved.
    h3.pause().await.unwrap();
    let paused = Instant::now();
    eventually(SOON, || async { a1.misses(&["c3"]) }).await.unwrap();
    n2.remove().await.unwrap();
    let late = cluster.container("h2", "app", "late").await.unwrap();
    tokio::time::sleep_until((paused + STILL).into()).await;
    h3.resume().await.unwrap();
    let resumed = Instant::now();
    let all = ["c1", "c2", "c3", "n3", "late"];
    eventually(SOON, || cluster.agree_on_endpoints(&all)).await.unwrap();
    eventually(SOON, || async { a1.resolves(&all).and_then(|()| a3.resolves(&all)) })
        .await
        .unwrap();
    a3.misses(&["n2"]).unwrap();
    println!("all agree {:?} after the host goes on", resumed.elapsed());
    assert_eq!(c3.ping("late", 2).await.unwrap().received, 2);
    assert_eq!(late.ping("c3", 2).await.unwrap().received, 2);
    cluster.container("h3", "app", "last").await.unwrap();
    eventually(TOLD, || async { a1.resolves(&["last"]) }).await.unwrap();
    cluster.agree_with_engines("app").await.unwrap();
    cluster.down().await.unwrap();
}

async fn asker(container: &Container<'_>) -> Asker {
    Asker::of(container).await.unwrap()
}

async fn pinging(from: &Container<'_>, to: &Container<'_>) -> Pinging {
    let to = to.address("app").await.unwrap().parse().unwrap();
    Pinging::start(&from.netns().await.unwrap(), to).unwrap()
}

fn none_lost(answers: &Answers) {
    println!("{} pings, longest silence {:?}", answers.sent, answers.silence);
    assert!(answers.sent > MANY && answers.lost.is_empty(), "{answers:?}");
}

async fn join(cluster: &Cluster, host: &str) {
    let manager = cluster.host("h1").unwrap();
    let token = manager.run(&["weft", "token", "--quiet"]).await.unwrap();
    let address = manager.address().to_string();
    let host = cluster.host(host).unwrap();
    host.run(&["weft", "join", token.trim(), &address]).await.unwrap();
}

/// The others have no node of this name, nothing of it, and take no packet from it.
async fn forgotten(cluster: &Cluster, gone: &str) -> anyhow::Result<()> {
    let address = cluster.host(gone)?.address().to_string();
    for host in cluster.lab.hosts().filter(|host| host.name() != gone) {
        let name = host.name();
        let nodes = cluster.nodes(host).await?;
        let up = |standing| matches!(standing, Standing::Up | Standing::Own);
        let known = nodes.len() == 2 && nodes.iter().all(|node| up(node.standing));
        holds(known, || format!("{name} knows {nodes:?}"))?;
        let network: NetworkView = cluster.json(host, &["network", "inspect", "app"]).await?;
        let owned = network.blocks.iter().any(|block| block.node != "h1" && block.node != "h2");
        holds(!owned, || format!("{name}: {:?}", network.blocks))?;
        let endpoints = cluster.endpoints(host).await?;
        let there = endpoints.iter().any(|endpoint| endpoint.node == gone);
        holds(!there, || format!("{name}: {endpoints:?}"))?;
        let guard = host.run(&["nft", "list", "table", "inet", "weft"]).await?;
        holds(!guard.contains(&address), || format!("{name}: {guard}"))?;
        let homes = cluster.fdb(host, network.vni).await?;
        let leads = homes.values().any(|home| home.to_string() == address);
        holds(!leads, || format!("{name}: {homes:?}"))?;
    }
    Ok(())
}

/// The host is in no cluster, and neither its kernel nor its Docker has anything of one.
async fn nothing_is_left(host: &Host) {
    let told = host.run(&["weft", "status"]).await.unwrap();
    assert!(told.contains("in no cluster"), "{told}");
    let left = host.run(&["sh", "-c", "ls /run/netns | grep weft || true"]).await.unwrap();
    assert_eq!(left, "");
    let table = host.exec(&["nft", "list", "table", "inet", "weft"]).await.unwrap();
    assert!(!table.is_success(), "{table:?}");
    let links = host.run(&["ip", "-br", "link"]).await.unwrap();
    let ours = |line: &&str| ["weft", "wp", "wc", "vx"].iter().any(|of| line.starts_with(of));
    assert_eq!(links.lines().find(ours), None);
    let list = ["network", "ls", "-q", "--filter", "driver=weft"];
    eventually(SOON, || async {
        let copies = host.docker(&list).await?;
        holds(copies.is_empty(), || format!("docker has {copies}"))
    })
    .await
    .unwrap();
}

async fn reaches_a_manager(cluster: &Cluster, host: &Host) -> anyhow::Result<()> {
    let status = cluster.status(host).await?;
    let reached = status.cluster.as_ref().is_some_and(|cluster| cluster.manager_reachable);
    holds(reached, || format!("{status:?}"))
}
