//! A registry that is in an etcd is replaced by a backup: never are there two that take changes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::tests_outside_test_module,
    reason = "integration tests"
)]

use std::time::Duration;

use weft_api::StoreKind;
use weft_e2e::{Cluster, Etcd, Pinging, creates, eventually, holds, keeps, refused};
use weft_lab::{Host, Spec};

const SOON: Duration = Duration::from_secs(20);
const BACKUP: &str = "/var/lib/weft.backup";

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_takes_the_place_of_a_registry_in_an_etcd() {
    let cluster = Cluster::unformed(Spec { hosts: 3, ..Spec::default() }).await.unwrap();
    let [h1, h2, h3] = ["h1", "h2", "h3"].map(|name| cluster.host(name).unwrap());
    let etcd = Etcd::start(h3, &[h1, h2, h3]).await.unwrap();
    eventually(SOON, || etcd.keys()).await.unwrap();
    let flags = Etcd::flags(h3);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    cluster.form(&[&["--address-rest", "1s", "--store"], &flags[..]].concat()).await.unwrap();
    h1.run(&["weft", "node", "promote", "h2"]).await.unwrap();
    eventually(SOON, || keeps(&cluster, h2, StoreKind::Etcd)).await.unwrap();
    cluster.network("app", &[]).await.unwrap();
    let w2 = cluster.plain("h2", "app", "w2", &[]).await.unwrap();
    let w3 = cluster.plain("h3", "app", "w3", &[]).await.unwrap();
    eventually(SOON, || w2.reaches(&w3)).await.unwrap();
    h1.run(&["weft", "backup", BACKUP]).await.unwrap();
    cluster.network("later", &[]).await.unwrap();
    let pings = Pinging::start(&w2.netns, w3.address).unwrap();

    h1.stop_agent().await.unwrap();
    two_truths_are_refused(h1, &etcd).await;
    eventually(SOON, || creates(h2, "goes-on")).await.unwrap();

    // The other manager still runs: it has nothing any more that it could change.
    let told = h1.run(&["weft", "restore", "--force", BACKUP]).await.unwrap();
    assert!(told.contains("Workers from now on: h2.") && told.contains("out of use"), "{told}");
    for network in ["two", "truths"] {
        let late = h2.weft(&["network", "create", network]).await.unwrap();
        assert!(!late.is_success(), "{late:?}");
    }
    let kept = h1.exec(&["test", "-e", "/var/lib/weft/manager.redb.replaced"]).await.unwrap();
    assert!(kept.is_success(), "what etcd held is kept");
    h1.start_agent().await.unwrap();
    for host in [h1, h2, h3] {
        eventually(SOON, || keeps(&cluster, host, StoreKind::Embedded)).await.unwrap();
        eventually(SOON, || has(&cluster, host, &["app"])).await.unwrap();
    }
    eventually(SOON, || is_worker(h2)).await.unwrap();
    for host in [h1, h2, h3] {
        let network = format!("by-{}", host.name());
        eventually(SOON, || creates(host, &network)).await.unwrap();
    }

    // And back into the same etcd, where what was left of the old one is in nobody's way.
    h1.run(&[&["weft", "store", "move", "--to"], &flags[..]].concat()).await.unwrap();
    h1.run(&["weft", "node", "promote", "h2"]).await.unwrap();
    for host in [h1, h2] {
        eventually(SOON, || keeps(&cluster, host, StoreKind::Etcd)).await.unwrap();
    }
    eventually(SOON, || creates(h2, "there")).await.unwrap();
    for host in [h1, h2, h3] {
        let all = ["app", "by-h1", "by-h2", "by-h3", "there"];
        eventually(SOON, || has(&cluster, host, &all)).await.unwrap();
    }
    let lost = pings.finish().unwrap();
    assert!(lost.sent > 20 && lost.lost.is_empty(), "{lost:?}");
    cluster.down().await.unwrap();
}

/// What could make two truths is refused, and changes nothing.
async fn two_truths_are_refused(host: &Host, etcd: &Etcd<'_>) {
    refused(host, &["restore", BACKUP], &["in an etcd", "would be lost", "restore --force"])
        .await
        .unwrap();
    etcd.pause().await.unwrap();
    for typed in [&["restore", BACKUP][..], &["restore", "--force", BACKUP]] {
        refused(host, typed, &["cannot be seen", "bring etcd back", "--etcd-is-gone"])
            .await
            .unwrap();
    }
    etcd.resume().await.unwrap();
}

/// It has no way to the etcd and no key any more.
async fn is_worker(host: &Host) -> anyhow::Result<()> {
    let member = host.run(&["cat", "/var/lib/weft/member.json"]).await?;
    let worker = member.contains("\"authority_pem\": null") && !member.contains("2379");
    holds(worker, || format!("{} still has the keys", host.name()))
}

/// These are all networks that a host knows.
async fn has(cluster: &Cluster, host: &Host, all: &[&str]) -> anyhow::Result<()> {
    let networks: Vec<String> = cluster.networks(host).await?.into_iter().collect();
    holds(networks == all, || format!("{}: {networks:?}", host.name()))
}
