//! A cluster whose only manager is lost begins anew from a backup.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use weft_api::{BlockView, NetworkView};
use weft_e2e::{Cluster, eventually, holds};
use weft_lab::{Host, Spec};

use crate::three::{SOON, confirmed, managers};

const BACKUP: &str = "/var/lib/weft.backup";
/// A manager with another address knocks at the others, first after some seconds.
const FOUND: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_begins_anew_from_a_backup_on_another_host() {
    let spec = Spec { hosts: 4, ..Spec::default() };
    let cluster = Cluster::founded(spec, &["--address-rest", "1s"]).await.unwrap();
    let [h1, h2, h3, h4] = ["h1", "h2", "h3", "h4"].map(|name| cluster.host(name).unwrap());
    h4.run(&["weft", "leave"]).await.unwrap();
    h1.run(&["weft", "network", "create", "app"]).await.unwrap();
    for host in [h2, h3] {
        let known = || async { Ok(host.run(&["weft", "network", "inspect", "app"]).await?) };
        eventually(SOON, known).await.unwrap();
    }
    let w2 = cluster.plain("h2", "app", "w2", &[]).await.unwrap();
    refused(h2, &["backup", BACKUP], &["only managers", "on a manager"]).await;

    let told = h1.run(&["weft", "backup", BACKUP]).await.unwrap();
    assert!(told.contains("3 nodes and 1 networks") && told.contains("private keys"), "{told}");
    assert_eq!(h1.run(&["stat", "-c", "%a", BACKUP]).await.unwrap().trim(), "600");
    refused(h1, &["backup", BACKUP], &["not there yet"]).await;
    // What comes after: a network, and the first block of a host.
    h1.run(&["weft", "network", "create", "later"]).await.unwrap();
    let w3 = cluster.plain("h3", "app", "w3", &[]).await.unwrap();
    eventually(SOON, || w2.reaches(&w3)).await.unwrap();
    assert_eq!(w2.ping(w3.address, 2).await.unwrap().received, 2);

    refuses_what_makes_no_sense(h1).await;

    // The host is lost, and another one takes its place, under another address.
    let kept = h1.run(&["cat", BACKUP]).await.unwrap();
    h1.kill().await.unwrap();
    h4.stop_agent().await.unwrap();
    tokio::fs::write(h4.root().join(BACKUP.trim_start_matches('/')), kept).await.unwrap();
    refused(h4, &["restore", BACKUP], &["no interface of this host has", "--advertise"]).await;
    let at = h4.address().to_string();
    let told = h4.run(&["weft", "restore", "--advertise", &at, BACKUP]).await.unwrap();
    assert!(told.contains("h1 is the only manager of weft now"), "{told}");
    h4.start_agent().await.unwrap();
    for host in [h2, h3, h4] {
        eventually(FOUND, || confirmed(&cluster, host)).await.unwrap();
        eventually(SOON, || async {
            let networks: Vec<_> = cluster.networks(host).await?.into_iter().collect();
            holds(networks == ["app"], || format!("{}: {networks:?}", host.name()))?;
            let known = managers(&cluster, host).await?;
            holds(known == ["h1"], || format!("{known:?}"))
        })
        .await
        .unwrap();
    }
    assert_eq!(w2.ping(w3.address, 2).await.unwrap().received, 2);
    h2.run(&["weft", "network", "create", "after"]).await.unwrap();
    eventually(SOON, || claimed_again(&cluster, h4, "h3", w3.address)).await.unwrap();
    // The others take its rows: its epoch is later than that of the lost disk.
    let w4 = cluster.plain("h4", "app", "w4", &[]).await.unwrap();
    for (host, name) in [(h2, "w4"), (h3, "w4"), (h4, "w2"), (h4, "w3")] {
        eventually(SOON, || async {
            let known = cluster.endpoints(host).await?;
            let there = known.iter().any(|e| e.name.as_ref().is_some_and(|n| n.as_str() == name));
            holds(there, || format!("{} knows no {name}: {known:?}", host.name()))
        })
        .await
        .unwrap();
    }
    eventually(SOON, || w2.reaches(&w4)).await.unwrap();
    assert_eq!(w2.ping(w4.address, 2).await.unwrap().received, 2);
    let token = h4.run(&["weft", "token", "--quiet"]).await.unwrap();
    assert!(token.starts_with("weft-1-"), "{token}");
    cluster.down().await.unwrap();
}

/// The block that the backup does not know is claimed again by who uses it.
async fn claimed_again(
    cluster: &Cluster,
    seen_by: &Host,
    owner: &str,
    address: Ipv4Addr,
) -> anyhow::Result<()> {
    let app: NetworkView = cluster.json(seen_by, &["network", "inspect", "app"]).await?;
    let own = |block: &&BlockView| block.node == owner;
    let holds_it = app.blocks.iter().filter(own).any(|b| b.range.contains(&IpAddr::V4(address)));
    holds(holds_it, || format!("{:?}", app.blocks))
}

async fn refuses_what_makes_no_sense(h1: &Host) {
    refused(h1, &["restore", BACKUP], &["the agent runs", "stop it first"]).await;
    h1.stop_agent().await.unwrap();
    refused(h1, &["restore", BACKUP], &["has a registry", "restore --force"]).await;
    refused(h1, &["restore", "/etc/passwd"], &["no backup of a cluster"]).await;
    h1.run(&["sh", "-c", &format!("sed 's/\"revision\":/\"revision\":1/' {BACKUP} > /tmp/bent")])
        .await
        .unwrap();
    refused(h1, &["restore", "/tmp/bent"], &["damaged", "another copy"]).await;
}

async fn refused(host: &Host, typed: &[&str], words: &[&str]) {
    let out = host.weft(typed).await.unwrap();
    for words in words {
        assert!(!out.is_success() && out.stderr.contains(words), "{typed:?}: {out:?}");
    }
}
