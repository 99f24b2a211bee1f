//! `[store]` in `weft.toml`: where a cluster is founded, and how a host reaches the etcd that keeps it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::tests_outside_test_module,
    reason = "integration tests"
)]

use std::time::Duration;

use weft_api::{StoreKind, StoreView};
use weft_e2e::{Cluster, Etcd, eventually, holds, refused};
use weft_lab::{Host, Spec};

const SOON: Duration = Duration::from_secs(20);
const PREFIX: &str = "/weft/east";
const NONE: [&str; 0] = [];

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_founded_where_the_configuration_says() {
    let cluster = Cluster::unformed(Spec { hosts: 2, ..Spec::default() }).await.unwrap();
    let [h1, h2] = ["h1", "h2"].map(|name| cluster.host(name).unwrap());
    Etcd::certify(h2.address(), &[h1, h2]).await.unwrap();
    let section = Etcd::section(h2, PREFIX);
    h1.stop_agent().await.unwrap();
    what_cannot_work_is_refused(h1, &section).await;

    // An etcd that is not there: the agent runs, and nothing is founded.
    configure(h1, &section).await;
    h1.start_agent().await.unwrap();
    keeps_out(h1, &["init"], &["does not answer", "etcdctl endpoint health"]).await;
    let etcd = Etcd::start_again(h2).await.unwrap();
    eventually(SOON, || etcd.keys()).await.unwrap();
    assert_eq!(etcd.keys().await.unwrap(), NONE);
    // What is typed wins.
    h1.run(&["weft", "init", "--store", "embedded"]).await.unwrap();
    assert_eq!(store(&cluster, h1).await.unwrap().kind, StoreKind::Embedded);
    h1.run(&["weft", "leave"]).await.unwrap();
    assert_eq!(etcd.keys().await.unwrap(), NONE);

    h1.run(&["weft", "init"]).await.unwrap();
    let told = store(&cluster, h1).await.unwrap();
    let there = (told.kind, told.endpoints, told.prefix.as_deref());
    assert_eq!(there, (StoreKind::Etcd, vec![etcd.url()], Some(PREFIX)));
    let keys = etcd.keys().await.unwrap();
    assert!(!keys.is_empty() && keys.iter().all(|key| key.starts_with(PREFIX)), "{keys:?}");
    let here = h1.exec(&["test", "-e", "/var/lib/weft/manager.redb"]).await.unwrap();
    assert!(!here.is_success(), "the registry is not on the disk, too");

    // Another host with the same section founds nothing over it.
    set(h2, &section).await;
    keeps_out(h2, &["init"], &["the registry of a cluster under the prefix /weft/east"]).await;
    h1.run(&["weft", "network", "create", "app"]).await.unwrap();
    assert!(etcd.keys().await.unwrap().len() > keys.len(), "it goes on there");

    section_says_how_not_whether(&cluster, &etcd, [h1, h2]).await;
    for host in [h2, h1] {
        host.run(&["weft", "leave", "--force"]).await.unwrap();
    }
    assert_eq!(etcd.keys().await.unwrap(), NONE);
    cluster.down().await.unwrap();
}

/// The agent does not start, and says which file is to be mended, and how; nothing was written.
async fn what_cannot_work_is_refused(host: &Host, section: &str) {
    let before = host.run(&["ls", "-A", "/var/lib/weft"]).await.unwrap();
    let without = |key: &str| {
        let lines = section.lines().filter(|line| !line.starts_with(&format!("{key} =")));
        lines.collect::<Vec<_>>().join("\n")
    };
    let sections = [
        (without("etcd"), "missing field `etcd`"),
        (without("ca"), "without that of etcd's CA"),
        (without("key"), "without its key"),
        (section.replace("ca.pem", "nowhere.pem"), "nowhere.pem"),
        (section.replace("https://", ""), "does not begin with https://"),
        (section.replace("https://", "http://"), "is not encrypted"),
        (section.replace(PREFIX, "/weft:east"), "the prefix `/weft:east`"),
        (format!("{section}member = 1"), "unknown field `member`"),
    ];
    for (section, words) in sections {
        configure(host, &section).await;
        let out = host.weft(&["agent"]).await.unwrap();
        for words in [words, "/etc/weft/weft.toml", "try: "] {
            assert!(!out.is_success() && out.stderr.contains(words), "{section}: {out:?}");
        }
        assert_eq!(host.run(&["ls", "-A", "/var/lib/weft"]).await.unwrap(), before);
    }
}

/// Whether an etcd keeps the registry stands in `member.json`; how it is reached, in the section.
async fn section_says_how_not_whether(cluster: &Cluster, etcd: &Etcd<'_>, [h1, h2]: [&Host; 2]) {
    set(h2, "").await;
    let token = h1.run(&["weft", "token", "--quiet"]).await.unwrap();
    let manager = h1.address().to_string();
    h2.run(&["weft", "join", token.trim(), &manager]).await.unwrap();
    h1.run(&["weft", "node", "promote", "h2"]).await.unwrap();
    eventually(SOON, || open(cluster, etcd, h2)).await.unwrap();
    // Gone from one host: it is there all the same.
    set(h1, "").await;
    eventually(SOON, || open(cluster, etcd, h1)).await.unwrap();
    another_prefix_is_not_opened(cluster, etcd, h1).await;
}

async fn another_prefix_is_not_opened(cluster: &Cluster, etcd: &Etcd<'_>, host: &Host) {
    set(host, &Etcd::section(cluster.host("h2").unwrap(), "/weft/west")).await;
    eventually(SOON, || finds_nothing(host)).await.unwrap();
    set(host, &Etcd::section(cluster.host("h2").unwrap(), PREFIX)).await;
    eventually(SOON, || open(cluster, etcd, host)).await.unwrap();
    host.run(&["weft", "network", "create", "after"]).await.unwrap();
}

/// This host asks the etcd.
async fn open(cluster: &Cluster, etcd: &Etcd<'_>, host: &Host) -> anyhow::Result<()> {
    let told = store(cluster, host).await?;
    let there = told.kind == StoreKind::Etcd && told.endpoints == [etcd.url()];
    holds(there, || format!("{}: {told:?}", host.name()))
}

async fn finds_nothing(host: &Host) -> anyhow::Result<()> {
    let status = host.run(&["weft", "status"]).await?;
    holds(status.contains("no registry under the prefix /weft/west"), || status)
}

/// What else the file says stays.
async fn configure(host: &Host, section: &str) {
    let file = host.root().join("etc/weft/weft.toml");
    let before = tokio::fs::read_to_string(&file).await.unwrap_or_default();
    let rest = before.split("[store]").next().unwrap_or_default();
    tokio::fs::write(file, format!("{rest}{section}")).await.unwrap();
}

/// The agent reads it as it starts.
async fn set(host: &Host, section: &str) {
    configure(host, section).await;
    host.stop_agent().await.unwrap();
    host.start_agent().await.unwrap();
}

/// It says why, and the host is in no cluster.
async fn keeps_out(host: &Host, typed: &[&str], words: &[&str]) {
    refused(host, typed, words).await.unwrap();
    let status = host.run(&["weft", "status"]).await.unwrap();
    assert!(status.contains("in no cluster"), "{status}");
}

async fn store(cluster: &Cluster, host: &Host) -> anyhow::Result<StoreView> {
    cluster.json(host, &["store", "show"]).await
}
