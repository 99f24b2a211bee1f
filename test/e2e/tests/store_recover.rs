//! Most managers are lost while the registry moves into an etcd, or after it: who is left goes on where the
//! registry is, and whoever comes back finds that out; never are there two registries that take changes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::tests_outside_test_module,
    reason = "integration tests"
)]

use std::time::Duration;

use weft_api::StoreKind;
use weft_e2e::{Cluster, Etcd, Writes, creates, eventually, holds, keeps, moves, refused};
use weft_lab::{Host, Spec};
use weft_model::Role;

const SOON: Duration = Duration::from_secs(30);
/// Where a manager writes its membership before it takes the old one's place: a folder there is in the way.
const IN_THE_WAY: &str = "/var/lib/weft/member.new";

#[tokio::test(flavor = "multi_thread")]
async fn who_is_left_of_an_unfinished_move_goes_on_where_the_registry_is() {
    let cluster = three_managers().await;
    let [h1, h2, h3, h4] = ["h1", "h2", "h3", "h4"].map(|name| cluster.host(name).unwrap());
    let etcd = lost_in_a_move(&cluster, [h1, h2, h3, h4]).await;

    h3.stop_agent().await.unwrap();
    refused(h3, &["recover"], &["on its way into an etcd", "[store]", "add --force"])
        .await
        .unwrap();
    let words = ["may have arrived there", "[store]", "weft recover --force --etcd-is-gone"];
    refused(h3, &["recover", "--force"], &words).await.unwrap();
    let file = h3.root().join("etc/weft/weft.toml");
    tokio::fs::write(file, Etcd::section(h4, "/weft")).await.unwrap();
    etcd.pause().await.unwrap();
    refused(h3, &["recover", "--force"], &["cannot be seen", "bring etcd back"]).await.unwrap();
    etcd.resume().await.unwrap();
    let told = h3.run(&["weft", "recover", "--force"]).await.unwrap();
    assert!(told.contains("in etcd, under /weft: h3 goes on there"), "{told}");
    refused(h3, &["recover", "--force"], &["an etcd keeps the registry"]).await.unwrap();
    h3.start_agent().await.unwrap();
    for host in [h3, h4] {
        let network = format!("by-{}", host.name());
        eventually(SOON, || creates(host, &network)).await.unwrap();
    }

    // Together the others were a majority once.
    h1.start().await.unwrap();
    h2.start().await.unwrap();
    for host in [h1, h2] {
        eventually(SOON, || keeps(&cluster, host, StoreKind::Etcd)).await.unwrap();
        let network = format!("by-{}", host.name());
        eventually(SOON, || creates(host, &network)).await.unwrap();
    }
    all_know(&cluster, &["by-h1", "by-h2", "by-h3", "by-h4"]).await;
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_is_taken_off_if_nothing_has_arrived_or_the_etcd_is_gone() {
    let cluster = three_managers().await;
    let [h1, h2, h3, h4] = ["h1", "h2", "h3", "h4"].map(|name| cluster.host(name).unwrap());
    let etcd = lost_in_a_move(&cluster, [h1, h2, h3, h4]).await;
    etcd.kill().await.unwrap();

    h3.stop_agent().await.unwrap();
    let told = h3.run(&["weft", "recover", "--force", "--etcd-is-gone"]).await.unwrap();
    assert!(told.contains("h3 is the only manager"), "{told}");
    h3.start_agent().await.unwrap();
    eventually(SOON, || creates(h4, "without-etcd")).await.unwrap();
    eventually(SOON, || keeps(&cluster, h3, StoreKind::Embedded)).await.unwrap();
    h1.start().await.unwrap();
    h2.start().await.unwrap();
    only_manager(&cluster, "h3").await;
    all_know(&cluster, &["without-etcd"]).await;
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn managers_that_come_back_with_an_etcd_find_that_they_were_left_behind() {
    let cluster = three_managers().await;
    let [h1, h2, h3, h4] = ["h1", "h2", "h3", "h4"].map(|name| cluster.host(name).unwrap());
    let etcd = Etcd::start(h4, &[h1, h2, h3, h4]).await.unwrap();
    eventually(SOON, || etcd.keys()).await.unwrap();
    h3.stop_agent().await.unwrap();
    let told = moves(h1, h4).await.unwrap();
    assert!(told.contains(&etcd.url()), "{told}");
    eventually(SOON, || keeps(&cluster, h2, StoreKind::Etcd)).await.unwrap();
    h1.kill().await.unwrap();
    h2.kill().await.unwrap();

    // This one knows nothing of the move, and whoever types it is sure that the others are gone.
    h3.run(&["weft", "recover", "--force"]).await.unwrap();
    h3.start_agent().await.unwrap();
    eventually(SOON, || creates(h3, "by-h3")).await.unwrap();
    eventually(SOON, || keeps(&cluster, h4, StoreKind::Embedded)).await.unwrap();
    let keys = etcd.keys().await.unwrap();

    h1.start().await.unwrap();
    h2.start().await.unwrap();
    let writes = [Writes::start(h1, "h1-").unwrap(), Writes::start(h2, "h2-").unwrap()];
    only_manager(&cluster, "h3").await;
    let mut acknowledged = vec!["by-h3".to_owned()];
    for writes in writes {
        acknowledged.extend(writes.finish().await.unwrap().acknowledged);
    }
    let acknowledged: Vec<&str> = acknowledged.iter().map(String::as_str).collect();
    all_know(&cluster, &acknowledged).await;
    assert_eq!(etcd.keys().await.unwrap(), keys, "nothing was changed there");
    cluster.down().await.unwrap();
}

async fn three_managers() -> Cluster {
    let spec = Spec { hosts: 4, ..Spec::default() };
    let cluster = Cluster::founded(spec, &["--address-rest", "1s"]).await.unwrap();
    let h1 = cluster.host("h1").unwrap();
    h1.run(&["weft", "node", "promote", "h2", "h3"]).await.unwrap();
    cluster
}

/// The registry is in etcd, but the one manager who knows is lost before it has noted so, and another with it.
async fn lost_in_a_move<'a>(cluster: &Cluster, [h1, h2, h3, h4]: [&'a Host; 4]) -> Etcd<'a> {
    let etcd = Etcd::start(h4, &[h1, h2, h3, h4]).await.unwrap();
    eventually(SOON, || etcd.keys()).await.unwrap();
    h1.run(&["mkdir", IN_THE_WAY]).await.unwrap();
    let told = moves(h1, h4).await.unwrap();
    assert!(told.contains("could not note it"), "{told}");
    eventually(SOON, || keeps(cluster, h3, StoreKind::Moving)).await.unwrap();
    h1.run(&["rmdir", IN_THE_WAY]).await.unwrap();
    h1.kill().await.unwrap();
    h2.kill().await.unwrap();
    etcd
}

/// Every host says so, and a manager confirms it.
async fn only_manager(cluster: &Cluster, name: &str) {
    for host in cluster.lab.hosts() {
        eventually(SOON, || async {
            let nodes = cluster.nodes(host).await?;
            let managers = nodes.iter().filter(|node| node.role == Role::Manager);
            let managers: Vec<&str> = managers.map(|node| node.name.as_str()).collect();
            let status = cluster.status(host).await?;
            let reached = status.cluster.is_some_and(|cluster| cluster.manager_reachable);
            holds(managers == [name] && reached, || format!("{}: {managers:?}", host.name()))
        })
        .await
        .unwrap();
    }
}

async fn all_know(cluster: &Cluster, networks: &[&str]) {
    for host in cluster.lab.hosts() {
        eventually(SOON, || async {
            let known = cluster.networks(host).await?;
            let all = networks.iter().all(|network| known.contains(*network));
            holds(all, || format!("{}: {known:?}, but {networks:?}", host.name()))
        })
        .await
        .unwrap();
    }
}
