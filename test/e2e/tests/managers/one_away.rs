//! Any one of three managers is lost while others write.

use std::collections::BTreeSet;
use std::time::Duration;

use weft_e2e::{Cluster, Writes, Written, eventually, holds};
use weft_lab::Host;

use crate::three::{SOON, all_confirmed, three_managers};

/// What the issue asks for.
const WRITES_GO_ON: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn any_of_three_managers_is_killed_while_others_write_and_nothing_is_lost() {
    let cluster = three_managers(4).await;
    let worker = cluster.host("h4").unwrap();
    let mut acknowledged = BTreeSet::new();
    for (round, kill_leader) in [true, false, true].into_iter().enumerate() {
        let led = eventually(SOON, || cluster.leader(worker)).await.unwrap();
        let managers = ["h1", "h2", "h3"];
        let other = *managers.iter().find(|name| **name != led).unwrap();
        let killed = cluster.host(if kill_leader { &led } else { other }).unwrap();
        let left = managers.iter().find(|name| **name != killed.name()).unwrap();
        let at_manager = Writes::start(cluster.host(left).unwrap(), &format!("m{round}-")).unwrap();
        let at_worker = Writes::start(worker, &format!("w{round}-")).unwrap();
        some(&cluster, worker, &[&format!("m{round}-"), &format!("w{round}-")], 3).await;
        killed.kill().await.unwrap();
        let before = cluster.networks(worker).await.unwrap().len();
        eventually(SOON, || async {
            let now = cluster.networks(worker).await?.len();
            holds(now >= before + 6, || format!("{now} networks"))
        })
        .await
        .unwrap();
        for (who, writes) in [("manager", at_manager), ("worker", at_worker)] {
            let Written { acknowledged: all, silence, refusals } = writes.finish().await.unwrap();
            println!(
                "{} (leader: {kill_leader}) killed: {} writes at a {who}, longest silence {silence:?}, \
                 refused: {refusals:?}",
                killed.name(),
                all.len()
            );
            assert!(silence < WRITES_GO_ON, "{silence:?}");
            acknowledged.extend(all);
        }
        killed.start().await.unwrap();
        all_confirmed(&cluster).await;
    }
    for host in cluster.lab.hosts() {
        eventually(SOON, || has_all(&cluster, host, &acknowledged)).await.unwrap();
    }
    cluster.down().await.unwrap();
}

/// Waits until `count` writes of each prefix were made.
async fn some(cluster: &Cluster, host: &Host, prefixes: &[&str], count: usize) {
    eventually(SOON, || async {
        let networks = cluster.networks(host).await?;
        let begun = |prefix: &&str| networks.iter().filter(|n| n.starts_with(*prefix)).count();
        let enough = prefixes.iter().all(|prefix| begun(prefix) >= count);
        holds(enough, || format!("{networks:?}"))
    })
    .await
    .unwrap();
}

async fn has_all(cluster: &Cluster, host: &Host, all: &BTreeSet<String>) -> anyhow::Result<()> {
    let networks = cluster.networks(host).await?;
    let missing: Vec<&String> = all.difference(&networks).collect();
    holds(missing.is_empty(), || format!("{} has not {missing:?}", host.name()))
}
