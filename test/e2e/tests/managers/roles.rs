//! Managers are made and unmade; a lost file is told; all come back after a power cut.

use std::time::Duration;

use weft_e2e::{Cluster, eventually, holds};
use weft_lab::{Host, Service, Spec};

use crate::three::{SOON, all_confirmed, confirmed, managers};

#[tokio::test(flavor = "multi_thread")]
async fn managers_are_made_and_unmade_while_all_goes_on() {
    let spec = Spec { hosts: 4, ..Spec::default() };
    let cluster = Cluster::founded(spec, &[]).await.unwrap();
    let [h1, h2, h3, h4] = ["h1", "h2", "h3", "h4"].map(|name| cluster.host(name).unwrap());

    refused(h2, &["node", "promote", "h2"], &["may not say who manages", "on a manager"]).await;
    refused(h1, &["node", "demote", "h1"], &["last manager", "weft node promote"]).await;
    refused(h1, &["leave"], &["only manager", "weft node promote"]).await;
    let told = h1.run(&["weft", "node", "promote", "h2"]).await.unwrap();
    assert!(told.contains("bear the loss of none, as 1 would: make it 3"), "{told}");

    // A token makes the third one; it joins by way of the second.
    h3.run(&["weft", "leave"]).await.unwrap();
    let token = h2.run(&["weft", "token", "manager", "--quiet"]).await.unwrap();
    let at = h2.address().to_string();
    h3.run(&["weft", "join", "--token", token.trim(), &at]).await.unwrap();
    know_managers(&cluster, &["h1", "h2", "h3"]).await;
    let listed = h4.run(&["weft", "node", "ls"]).await.unwrap();
    assert_eq!(listed.matches("manager, leads").count(), 1, "{listed}");
    assert_eq!(mode(h3).await, "600");

    // The CA is where managers are, and nowhere else.
    assert!(has_key(h3).await && has_key(h2).await && !has_key(h4).await);
    let leader = eventually(SOON, || cluster.leader(h4)).await.unwrap();
    h1.run(&["weft", "node", "demote", &leader]).await.unwrap();
    let gone = cluster.host(&leader).unwrap();
    eventually(SOON, || async {
        holds(!has_key(gone).await, || "the key is still there".to_owned())
    })
    .await
    .unwrap();
    all_confirmed(&cluster).await;
    h4.run(&["weft", "network", "create", "with-two"]).await.unwrap();
    let other = [h1, h2, h3].into_iter().find(|host| host.name() != leader).unwrap();
    other.run(&["weft", "node", "promote", &leader]).await.unwrap();
    know_managers(&cluster, &["h1", "h2", "h3"]).await;

    // One is lost and taken out, another leaves: two are left of three, then one.
    h2.kill().await.unwrap();
    let told = || async { Ok(h1.run(&["weft", "node", "rm", "h2"]).await?) };
    eventually(SOON, told).await.unwrap();
    h1.run(&["weft", "network", "create", "without-two"]).await.unwrap();
    h3.run(&["weft", "leave"]).await.unwrap();
    h1.run(&["weft", "network", "create", "alone"]).await.unwrap();
    assert_eq!(managers(&cluster, h1).await.unwrap(), ["h1"]);
    eventually(SOON, || confirmed(&cluster, h4)).await.unwrap();
    cluster.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_file_is_told_and_all_come_back_after_a_power_cut_in_any_order() {
    let cluster = crate::three::three_managers(4).await;
    let [h1, h2, h3, h4] = ["h1", "h2", "h3", "h4"].map(|name| cluster.host(name).unwrap());
    h4.run(&["weft", "network", "create", "before"]).await.unwrap();

    // A manager without its file goes on as a node, does not vote, and says what to do.
    h2.stop_agent().await.unwrap();
    h2.run(&["truncate", "-s", "20000", "/var/lib/weft/manager.redb"]).await.unwrap();
    h2.start_agent().await.unwrap();
    assert!(h2.log(Service::Agent).contains("does not vote"), "{}", h2.log(Service::Agent));
    let status = cluster.status(h2).await.unwrap();
    let told = status.degraded.iter().find(|d| d.reason.contains("does not vote"));
    let told = told.unwrap_or_else(|| panic!("{:?}", status.degraded));
    assert!(told.reason.contains("manager.redb is damaged"), "{told:?}");
    assert!(told.hint.contains("weft node demote h2"), "{told:?}");
    h1.run(&["weft", "network", "create", "with-two-votes"]).await.unwrap();
    h1.run(&["weft", "node", "demote", "h2"]).await.unwrap();
    eventually(SOON, || async {
        let status = cluster.status(h2).await?;
        holds(status.degraded.is_empty(), || format!("{:?}", status.degraded))
    })
    .await
    .unwrap();
    h1.run(&["weft", "node", "promote", "h2"]).await.unwrap();
    know_managers(&cluster, &["h1", "h2", "h3"]).await;

    for host in [h1, h2, h3, h4] {
        host.kill().await.unwrap();
    }
    h4.start().await.unwrap();
    assert!(cluster.networks(h4).await.unwrap().contains("with-two-votes"), "from its own disk");
    h2.start().await.unwrap();
    h3.start().await.unwrap();
    for host in [h2, h3, h4] {
        eventually(Duration::from_secs(30), || confirmed(&cluster, host)).await.unwrap();
    }
    h4.run(&["weft", "network", "create", "after"]).await.unwrap();
    h1.start().await.unwrap();
    eventually(SOON, || async {
        let networks = cluster.networks(h1).await?;
        let all = ["before", "with-two-votes", "after"].iter().all(|n| networks.contains(*n));
        holds(all, || format!("{networks:?}"))
    })
    .await
    .unwrap();
    all_confirmed(&cluster).await;
    cluster.down().await.unwrap();
}

/// Every member knows these managers.
async fn know_managers(cluster: &Cluster, names: &[&str]) {
    for host in cluster.lab.hosts() {
        eventually(SOON, || async {
            let known = managers(cluster, host).await?;
            holds(known == names, || format!("{}: {known:?}", host.name()))?;
            confirmed(cluster, host).await
        })
        .await
        .unwrap();
    }
}

async fn refused(host: &Host, typed: &[&str], words: &[&str]) {
    let out = host.weft(typed).await.unwrap();
    for words in words {
        assert!(!out.is_success() && out.stderr.contains(words), "{typed:?}: {out:?}");
    }
}

async fn has_key(host: &Host) -> bool {
    let member = host.run(&["cat", "/var/lib/weft/member.json"]).await.unwrap();
    !member.contains("\"authority_pem\": null")
}

async fn mode(host: &Host) -> String {
    let mode = host.run(&["stat", "-c", "%a", "/var/lib/weft/member.json"]).await.unwrap();
    mode.trim().to_owned()
}
