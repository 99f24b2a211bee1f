//! Most managers are lost: what goes on, what is refused in which words, and how one goes on alone.

use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;
use weft_e2e::{Cluster, Over, Plain, Said, ask, eventually, holds};
use weft_lab::Host;

use crate::three::{SOON, all_confirmed, confirmed, managers, three_managers};

/// Once it is known that most managers are away, a command that needs them says so at once.
const AT_ONCE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn without_most_managers_workloads_go_on_and_one_that_is_left_can_go_on_alone() {
    let cluster = three_managers(4).await;
    let [h1, h2, h3, h4] = ["h1", "h2", "h3", "h4"].map(|name| cluster.host(name).unwrap());
    cluster.network("app", &[]).await.unwrap();
    let w3 = cluster.plain("h3", "app", "w3", &[]).await.unwrap();
    let w4 = cluster.plain("h4", "app", "w4", &[]).await.unwrap();
    eventually(SOON, || async { resolves(&w4, &w3) }).await.unwrap();

    h1.kill().await.unwrap();
    h2.kill().await.unwrap();
    for host in [h3, h4] {
        eventually(SOON, || refuses(host, "a new network", &["network", "create", "other"]))
            .await
            .unwrap();
        let began = Instant::now();
        refuses(host, "another", &["network", "create", "other"]).await.unwrap();
        assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
        let status = cluster.status(host).await.unwrap();
        let told = status.degraded.iter().any(|d| d.reason.contains("most managers are away"));
        assert!(told, "{:?}", status.degraded);
    }
    // The data plane, names, and starts on blocks that are there.
    for host in ["h3", "h4"] {
        let new = format!("n{host}");
        let new = cluster.plain(host, "app", &new, &[]).await.unwrap();
        eventually(SOON, || async { resolves(&w4, &new) }).await.unwrap();
        eventually(SOON, || new.reaches(&w3)).await.unwrap();
        assert_eq!(new.ping(w3.address, 3).await.unwrap().received, 3);
    }

    goes_on_alone(&cluster, h3).await;
    eventually(SOON, || confirmed(&cluster, h4)).await.unwrap();
    h4.run(&["weft", "network", "create", "after"]).await.unwrap();
    assert_eq!(w4.ping(w3.address, 3).await.unwrap().received, 3);
    eventually(SOON, || async { resolves(&w4, &w3) }).await.unwrap();

    // Even both together are no majority of anything any more.
    h1.start().await.unwrap();
    h2.start().await.unwrap();
    for host in [h1, h2, h3, h4] {
        eventually(SOON, || async {
            let known = managers(&cluster, host).await?;
            holds(known == ["h3"], || format!("{}: {known:?}", host.name()))?;
            let networks = cluster.networks(host).await?;
            holds(networks.contains("after"), || format!("{}: {networks:?}", host.name()))
        })
        .await
        .unwrap();
    }
    for host in [h1, h2] {
        eventually(SOON, || async {
            let left = host.exec(&["test", "-e", "/var/lib/weft/manager.redb"]).await?;
            holds(!left.is_success(), || "its registry is still here".to_owned())
        })
        .await
        .unwrap();
        let member = host.run(&["cat", "/var/lib/weft/member.json"]).await.unwrap();
        assert!(member.contains("\"authority_pem\": null"), "the CA's key is still here");
    }
    h3.run(&["weft", "node", "promote", "h1", "h2"]).await.unwrap();
    all_confirmed(&cluster).await;
    h1.run(&["weft", "network", "create", "again"]).await.unwrap();
    cluster.down().await.unwrap();
}

/// Refused first, with the reasons; then, told to be sure, done.
async fn goes_on_alone(cluster: &Cluster, host: &Host) {
    let refused = host.weft(&["recover", "--force"]).await.unwrap();
    assert!(!refused.is_success() && refused.stderr.contains("the agent runs"), "{refused:?}");
    host.stop_agent().await.unwrap();
    let refused = host.weft(&["recover"]).await.unwrap();
    for words in ["only manager", "h1, h2", "revision", "weft recover --force"] {
        assert!(!refused.is_success() && refused.stderr.contains(words), "{refused:?}");
    }
    let told = host.run(&["weft", "recover", "--force"]).await.unwrap();
    assert!(told.contains("h3 is the only manager"), "{told}");
    assert!(told.contains("Workers from now on: h1, h2."), "{told}");
    host.start_agent().await.unwrap();
    eventually(SOON, || confirmed(cluster, host)).await.unwrap();
}

async fn refuses(host: &Host, what: &str, typed: &[&str]) -> anyhow::Result<()> {
    let out = host.weft(typed).await?;
    let words = ["most managers are away", "bring the managers back", "weft recover"];
    let told = words.iter().all(|words| out.stderr.contains(words));
    holds(!out.is_success() && told, || format!("{what}: {out:?}"))
}

fn resolves(from: &Plain<'_>, to: &Plain<'_>) -> anyhow::Result<()> {
    let said = ask(&from.netns, &to.name, RecordType::A, Over::Udp)?;
    holds(said == Said::found([to.address]), || format!("{}: {said:?}", to.name))
}
