//! An etcd keeps the registry, from the beginning or after a move.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "integration tests"
)]

use std::time::Duration;

use hickory_proto::rr::RecordType;
use weft_api::{StoreKind, StoreView};
use weft_e2e::{
    Cluster, Etcd, Over, Pinging, Plain, Said, Writes, ask, creates, eventually, holds, moves,
};
use weft_lab::{Host, Spec};

/// Longer than anything takes that is not waited for.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn an_etcd_keeps_the_registry_from_the_beginning() {
    let spec = Spec { hosts: 3, ..Spec::default() };
    let cluster = Cluster::unformed(spec).await.unwrap();
    let [h1, h2, h3] = ["h1", "h2", "h3"].map(|name| cluster.host(name).unwrap());
    let hosts = [h1, h2, h3];
    let mut etcd = founded(&cluster, &hosts).await;

    let (kind, told) = store(&cluster, h1).await.unwrap();
    assert_eq!((kind, told.endpoints), (StoreKind::Etcd, vec![etcd.url()]));
    let (kind, told) = store(&cluster, h2).await.unwrap();
    assert_eq!((kind, told.endpoints.len()), (StoreKind::Etcd, 0), "a worker has no access");
    let member = h2.run(&["cat", "/var/lib/weft/member.json"]).await.unwrap();
    assert!(!member.contains("2379"), "nor the keys to it");
    cluster.network("app", &[]).await.unwrap();
    let w1 = cluster.plain("h1", "app", "w1", &[]).await.unwrap();
    let w2 = cluster.plain("h2", "app", "w2", &[]).await.unwrap();
    eventually(SOON, || async { resolves(&w1, &w2) }).await.unwrap();
    eventually(SOON, || async { resolves(&w2, &w1) }).await.unwrap();

    // Gone: what runs goes on, and so do starts on blocks that are here; the rest is refused, with why.
    let pings = Pinging::start(&w1.netns, w2.address).unwrap();
    etcd.kill().await.unwrap();
    for host in [h1, h2] {
        eventually(SOON, || refuses(host)).await.unwrap();
    }
    for restarted in [false, true] {
        if restarted {
            h1.kill_agent().await.unwrap();
            h1.start_agent().await.unwrap();
            eventually(SOON, || refuses(h1)).await.unwrap();
        }
        let name = format!("late{restarted}");
        let late = cluster.plain("h1", "app", &name, &[]).await.unwrap();
        eventually(SOON, || async { resolves(&w2, &late) }).await.unwrap();
        assert_eq!(w2.ping(late.address, 2).await.unwrap().received, 2);
    }

    // Back: everything is as it was, without a hand.
    etcd.run().await.unwrap();
    eventually(SOON, || creates(h2, "after")).await.unwrap();
    let lost = pings.finish().unwrap();
    assert!(lost.sent > 20 && lost.lost.is_empty(), "{lost:?}");

    // It stands still and keeps its connections: that is told all the same.
    etcd.pause().await.unwrap();
    eventually(SOON, || refuses(h1)).await.unwrap();
    etcd.resume().await.unwrap();
    eventually(SOON, || creates(h1, "resumed")).await.unwrap();

    // A second manager asks etcd itself, and is enough alone.
    let told = h1.run(&["weft", "node", "promote", "h2"]).await.unwrap();
    assert!(!told.contains("note:"), "in an etcd any number of managers will do: {told}");
    eventually(SOON, || async {
        let (_kind, told) = store(&cluster, h2).await?;
        holds(told.endpoints == [etcd.url()], || format!("{told:?}"))
    })
    .await
    .unwrap();
    h1.stop_agent().await.unwrap();
    eventually(SOON, || creates(h2, "without-h1")).await.unwrap();
    h1.start_agent().await.unwrap();
    eventually(SOON, || knows(&cluster, h1, "without-h1")).await.unwrap();
    ends(&cluster, &etcd).await;
    cluster.down().await.unwrap();
}

/// What cannot work is refused and leaves nothing; then it works.
async fn founded<'a>(cluster: &'a Cluster, hosts: &[&'a Host; 3]) -> Etcd<'a> {
    let [h1, _h2, h3] = hosts;
    Etcd::certify(h3.address(), hosts).await.unwrap();
    init_fails(h3, h1, &["does not answer", "etcdctl endpoint health"]).await;
    let etcd = Etcd::start(h3, &[h3]).await.unwrap();
    eventually(SOON, || etcd.keys()).await.unwrap();
    init_fails(h3, h1, &["invalid peer certificate"]).await;
    assert_eq!(etcd.keys().await.unwrap(), [] as [&str; 0]);
    etcd.kill().await.unwrap();

    let etcd = Etcd::start(h3, hosts).await.unwrap();
    eventually(SOON, || etcd.keys()).await.unwrap();
    let flags = [vec!["--address-rest".into(), "1s".into(), "--store".into()], Etcd::flags(h3)];
    let flags = flags.concat();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    cluster.form(&flags).await.unwrap();
    assert!(etcd.keys().await.unwrap().iter().all(|key| key.starts_with("/weft")));
    etcd
}

async fn init_fails(etcd: &Host, host: &Host, words: &[&str]) {
    let flags = Etcd::flags(etcd);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let refused = host.weft(&[&["init", "--store"], &flags[..]].concat()).await.unwrap();
    let told = words.iter().all(|words| refused.stderr.contains(words));
    assert!(!refused.is_success() && told, "{refused:?}");
    let status = host.run(&["weft", "status"]).await.unwrap();
    assert!(status.contains("in no cluster"), "{status}");
}

/// Everybody leaves, and nothing is left in etcd.
async fn ends(cluster: &Cluster, etcd: &Etcd<'_>) {
    for name in ["h3", "h2", "h1"] {
        let host = cluster.host(name).unwrap();
        host.run(&["weft", "leave", "--force"]).await.unwrap();
    }
    assert_eq!(etcd.keys().await.unwrap(), [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_moves_into_an_etcd_and_nothing_is_lost() {
    let spec = Spec { hosts: 4, ..Spec::default() };
    let cluster = Cluster::founded(spec, &["--address-rest", "1s"]).await.unwrap();
    let hosts @ [h1, h2, h3, h4] = ["h1", "h2", "h3", "h4"].map(|name| cluster.host(name).unwrap());
    h1.run(&["weft", "node", "promote", "h2", "h3"]).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let w1 = cluster.plain("h1", "app", "w1", &[]).await.unwrap();
    let w4 = cluster.plain("h4", "app", "w4", &[]).await.unwrap();
    eventually(SOON, || async { know_each_other(&w1, &w4) }).await.unwrap();
    let pings = Pinging::start(&w1.netns, w4.address).unwrap();

    // An etcd that is not there changes nothing.
    Etcd::certify(h4.address(), &hosts).await.unwrap();
    let refused = moves(h1, h4).await.unwrap();
    assert!(refused.contains("stays where it is") && refused.contains("etcd"), "{refused}");
    eventually(SOON, || creates(h4, "stays")).await.unwrap();
    let refused = moves(h4, h4).await.unwrap();
    assert!(refused.contains("only managers"), "{refused}");

    // One manager is away while it moves; the others are written to all the time.
    let etcd = Etcd::start(h4, &hosts).await.unwrap();
    eventually(SOON, || etcd.keys()).await.unwrap();
    h3.stop_agent().await.unwrap();
    let writes = [Writes::start(h2, "by2-").unwrap(), Writes::start(h4, "by4-").unwrap()];
    eventually(SOON, || knows(&cluster, h1, "by2-3")).await.unwrap();
    assert!(moves(h1, h4).await.unwrap().contains(&etcd.url()));
    for host in [h1, h2] {
        eventually(SOON, || is_in_etcd(&cluster, host)).await.unwrap();
    }
    let known = cluster.networks(h2).await.unwrap().len();
    eventually(SOON, || async {
        let now = cluster.networks(h2).await?.len();
        holds(now > known + 3, || format!("{known} {now}"))
    })
    .await
    .unwrap();
    let mut acknowledged = vec![];
    for writes in writes {
        let written = writes.finish().await.unwrap();
        println!("no write for {:?}, refused: {:?}", written.silence, written.refusals);
        acknowledged.extend(written.acknowledged);
    }

    // Whoever was away follows, whatever its disk says; nobody goes back to what was.
    h3.start_agent().await.unwrap();
    for host in [h1, h2, h3, h4] {
        for network in &acknowledged {
            eventually(SOON, || knows(&cluster, host, network)).await.unwrap();
        }
    }
    stays_there(&cluster, [h1, h2, h3]).await;
    let refused = moves(h2, h4).await.unwrap();
    assert!(refused.contains("keeps the registry already"), "{refused}");
    for host in [h1, h2, h3] {
        host.kill_agent().await.unwrap();
        host.start_agent().await.unwrap();
    }
    for (at, host) in [h1, h2, h3, h4].into_iter().enumerate() {
        let network = format!("end{at}");
        eventually(SOON, || creates(host, &network)).await.unwrap();
        eventually(SOON, || knows(&cluster, host, "end0")).await.unwrap();
    }
    eventually(SOON, || async { resolves(&w4, &w1) }).await.unwrap();
    let lost = pings.finish().unwrap();
    assert!(lost.sent > 20 && lost.lost.is_empty(), "{lost:?}");
    cluster.down().await.unwrap();
}

/// The old registry is nowhere in use, and cannot come back.
async fn stays_there(cluster: &Cluster, managers: [&Host; 3]) {
    for host in managers {
        eventually(SOON, || is_in_etcd(cluster, host)).await.unwrap();
        let left = host.exec(&["test", "-e", "/var/lib/weft/manager.redb"]).await.unwrap();
        assert!(!left.is_success(), "the old registry is put aside");
        let refused = host.weft(&["recover", "--force"]).await.unwrap();
        assert!(!refused.is_success(), "{refused:?}");
    }
}

async fn store(cluster: &Cluster, host: &Host) -> anyhow::Result<(StoreKind, StoreView)> {
    let told: StoreView = cluster.json(host, &["store", "show"]).await?;
    Ok((told.kind, told))
}

async fn is_in_etcd(cluster: &Cluster, host: &Host) -> anyhow::Result<()> {
    let (kind, told) = store(cluster, host).await?;
    let there = kind == StoreKind::Etcd && !told.endpoints.is_empty();
    holds(there, || format!("{}: {told:?}", host.name()))
}

/// A new network is refused, and etcd named as the reason.
async fn refuses(host: &Host) -> anyhow::Result<()> {
    let out = host.weft(&["network", "create", "never"]).await?;
    let words = ["etcd", "running", "address blocks"];
    let told = words.iter().all(|words| out.stderr.contains(words));
    holds(!out.is_success() && told, || format!("{}: {out:?}", host.name()))
}

async fn knows(cluster: &Cluster, host: &Host, network: &str) -> anyhow::Result<()> {
    let networks = cluster.networks(host).await?;
    holds(networks.contains(network), || format!("{}: {networks:?}", host.name()))
}

fn know_each_other(one: &Plain<'_>, other: &Plain<'_>) -> anyhow::Result<()> {
    resolves(one, other)?;
    resolves(other, one)
}

fn resolves(from: &Plain<'_>, to: &Plain<'_>) -> anyhow::Result<()> {
    let said = ask(&from.netns, &to.name, RecordType::A, Over::Udp)?;
    holds(said == Said::found([to.address]), || format!("{}: {said:?}", to.name))
}
